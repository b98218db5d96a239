"""The whole program and a hub: from a search in Discover to an answer of the model that came, and what a hub that means
no good can write.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from chat_driver import CTRL, LEFT, K, Person, sat_down
from conftest import Build, until
from gguf_writer import write_gguf
from hub_server import HubServer, Play, Stored, forget_environment
from PySide6.QtTest import QTest

from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.paths import Paths
from nodetool_xl_desktop.core.settings_file import SettingsFile
from nodetool_xl_desktop.core.units import MIB
from nodetool_xl_desktop.engine.states import Ready
from nodetool_xl_desktop.hub.standing import State
from nodetool_xl_desktop.library.origins import Origins
from nodetool_xl_desktop.ui.discover.result_rows import Card, Heading, Words

REPOSITORY, NAME = "tiny/Starter-GGUF", "Starter-135M-Q4_K_M.gguf"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    forget_environment(monkeypatch)


@pytest.fixture
def small(tmp_path: Path) -> bytes:
    """As much of a model as a verdict needs."""
    made = write_gguf(tmp_path / "small.gguf", {"general.architecture": "llama", "general.name": "Small"})
    return made.read_bytes()


@pytest.fixture
def hub(starter_model: Path, small: bytes) -> Iterator[HubServer]:
    told = {NAME: starter_model, "README.md": Stored(b"# Starter\n\nA small model.\n", large=False)}
    with HubServer({"org/Other-GGUF": {"Other-Q8_0.gguf": small}, REPOSITORY: told}) as hub:
        yield hub


async def at_discover(build: Build, paths: Paths, hub: HubServer) -> Person:
    """A person who has chosen this hub, and pressed the keys of Discover."""
    SettingsFile(paths.settings_file).change({settings.ENDPOINT: hub.url})
    person = await sat_down(build)
    await until(lambda: person.window.hub.discover.door.chosen == hub.url, "the hub that was chosen")
    await person.press(K.Key_3, CTRL, lambda: person.window)
    return person


async def search(person: Person, words: str, repo_id: str) -> None:
    """Type it, and open what is found."""
    view = person.window.hub.search.view
    await until(lambda: person.focused() is person.window.hub.search.field, "the keys go to the search")
    await person.type(words)

    def found() -> list[Card]:
        return [row for row in view.results.rows if isinstance(row, Card) and row.found is not None]

    await until(lambda: [card.repo_id for card in found()] == [repo_id], "it alone is found")
    place = view.visualRect(view.results.index(view.results.rows.index(found()[0])))
    await person.do(lambda: QTest.mouseClick(view.viewport(), LEFT, pos=place.center()))


async def test_from_a_search_to_an_answer(build: Build, paths: Paths, hub: HubServer, starter_model: Path) -> None:
    """With connections that drop and a server that fails meanwhile."""
    person = await at_discover(build, paths, hub)
    await search(person, "starter", REPOSITORY)
    page, foot, models = person.window.hub.page, person.window.hub.downloads.foot, person.window.side_bar.models
    await until(lambda: page.offers.rows and page.offers.rows[0].verdict, "the verdict for this machine")
    (row,) = page.offers.rows
    assert (row.pill.text(), row.is_best) == ("Fits", True)
    await until(lambda: "small model" in page.card.toPlainText(), "the card")
    before, size = hub.served, hub.repositories[REPOSITORY][NAME].size
    hub.play("bytes", Play(drop_after=size // 3), Play(status=500))
    await person.click("Download", row)
    words = set()

    def is_done() -> bool:
        words.add(foot.words)
        return bool(foot.notice.text)

    await until(is_done, "it says that it is done")
    assert any("%" in each for each in words), words
    assert foot.notice.text == "Starter 135M Q4_K_M Downloaded"
    target = paths.models / REPOSITORY / NAME
    assert hashlib.sha256(target.read_bytes()).hexdigest() == hub.repositories[REPOSITORY][NAME].told_sha256()
    assert all_files(paths.models) == {target}
    twice = hub.served - before - size
    assert twice <= 8 * MIB
    await until(lambda: target in [file.path for file in models.files], "My Models has it")
    await person.click("Load", foot.notice)
    await until(lambda: isinstance(person.parts.loader.state, Ready), "it is loaded")
    assert person.parts.loader.state.model == target
    await person.ask("Say hello.")
    await person.answered()
    assert person.shown[-1].text.strip()
    origin = Origins(paths).of(target)
    assert origin is not None
    assert (origin.repo_id, origin.endpoint) == (REPOSITORY, hub.url)
    print(f"{size / 1e6:.0f} MB through 2 faults, {twice / MIB:.2f} MiB twice")


HOSTILE = [
    "../../../out-Q4_K_M.gguf",
    "deeper/../../../../out-Q5_K_M.gguf",
    "/etc/out-Q8_0.gguf",
    "..\\..\\out-Q6_K.gguf",
    "C:\\out-Q3_K_M.gguf",
    "line\nfeed-Q2_K.gguf",
    f"{'x' * 300}-Q5_K_S.gguf",
    "NUL.Q4_0.gguf",
]


def all_files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if not path.is_dir()}


def outside(folder: Path) -> set[Path]:
    """What lies there and is not the program's own."""
    return {path for path in all_files(folder) if not path.is_relative_to(folder / "home")}


async def test_no_file_of_a_hub_leads_out_of_the_models_folder(
    build: Build, paths: Paths, tmp_path: Path, small: bytes
) -> None:
    """Whatever can be pressed is pressed. What is harmless comes, and nothing else; the rest is explained."""
    before = outside(tmp_path)
    with HubServer({"org/Bad-GGUF": dict.fromkeys([*HOSTILE, "good-Q4_1.gguf"], small)}) as hub:
        person = await at_discover(build, paths, hub)
        await search(person, "bad", "org/Bad-GGUF")
        offers, downloads = person.window.hub.page.offers, person.parts.downloads
        names = {"good-Q4_1.gguf"}
        await until(lambda: len(offers.rows) > 1 and names <= {row.candidate.path for row in offers.rows}, "all rows")
        problem = person.window.problem
        (good,) = [row for row in offers.rows if row.candidate.path in names]
        for row in offers.rows:
            if row is not good:
                problem.hide()
                await person.click("Download", row)
                await until(problem.isVisible, f"why not {row.candidate.path!a}")
                assert "is no name for a file" in problem.text
        assert not downloads.all
        await person.click("Download", good)
        await until(lambda: downloads.all and not problem.isVisible(), "it comes, and nothing is said of the others")
        await until(lambda: all(each.state is State.DONE for each in downloads.all), "it has come")
        assert [each.path for each in downloads.all] == [paths.models / "org" / "Bad-GGUF" / "good-Q4_1.gguf"]
        assert all_files(paths.models) == {each.path for each in downloads.all}
    assert outside(tmp_path) == before


@pytest.mark.parametrize("repo_id", ["../../out", "org/..", "org/a/b", "/etc/passwd", "a\\b/c"])
async def test_no_repository_of_a_hub_leads_out_of_the_models_folder(
    build: Build, paths: Paths, tmp_path: Path, small: bytes, repo_id: str
) -> None:
    """The hub calls what it lists by a name that is none: it is not shown, or it is explained when it is opened."""
    before = outside(tmp_path)
    with HubServer({"org/Bad-GGUF": {"good-Q4_1.gguf": small}}) as hub:
        hub.about["org/Bad-GGUF"] = {"id": repo_id, "modelId": repo_id}
        person = await at_discover(build, paths, hub)
        page, results = person.window.hub.page, person.window.hub.search.view.results
        await until(lambda: person.focused() is person.window.hub.search.field, "the keys go to the search")
        await person.type("g")
        await until(lambda: results.rows and not isinstance(results.rows[0], Heading), "the picks are gone")
        await until(lambda: not any(isinstance(row, Words) for row in results.rows), "the hub has answered")
        assert not [row for row in results.rows if isinstance(row, Card)]
        person.window.hub.discover.open_repository(repo_id)
        await until(lambda: page.notice.text, "it is explained")
        assert "is no name of a repository" in page.notice.text
        assert not page.offers.rows
        assert outside(tmp_path) == before
        assert not all_files(paths.models)
