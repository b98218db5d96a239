"""`settings.toml`: who decides what holds, what is told of it, and that nothing makes it half."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.errors import UserFacingError
from nodetool_xl_desktop.core.lock import locked
from nodetool_xl_desktop.core.setting import Origin, Setting
from nodetool_xl_desktop.core.settings import SETTINGS
from nodetool_xl_desktop.core.settings_file import SettingsFile, Values
from nodetool_xl_desktop.core.settings_text import template

#: Writes zoom steps as the program does, from a process of its own, and says which one is on the disk.
WRITER = """
import sys
from pathlib import Path
from nodetool_xl_desktop.core import settings
from nodetool_xl_desktop.core.settings_file import SettingsFile

which, path, times = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
file = SettingsFile(path, environment={})
print("ready", flush=True)
sys.stdin.readline()
for number in range(times):
    if which == "zoom":
        file.change({settings.ZOOM: (100 + number % 200) / 100})
    else:
        file.change({settings.MODEL_COLUMNS: f"columns {number}" + " wide" * (number % 500)})
    print(number, flush=True)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "settings.toml"


@pytest.fixture
def file(path: Path) -> SettingsFile:
    return SettingsFile(path, environment={}, patience_s=0.3)


def write(path: Path, text: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())


# Who decides


def test_defaults_where_nobody_said_anything(file: SettingsFile, path: Path) -> None:
    values = file.read()
    assert values == Values() == file.given()
    assert all(values[each] == each.default and values.origin(each) is Origin.DEFAULT for each in SETTINGS)
    assert not path.parent.exists(), "nothing is made by looking"


def test_kept_and_read(file: SettingsFile, path: Path) -> None:
    kept = file.change({settings.TITLES: False, settings.ZOOM: 1.5, settings.LANGUAGE: "de"})
    assert kept == file.read()
    assert (kept[settings.TITLES], kept[settings.ZOOM], kept[settings.LANGUAGE]) == (False, 1.5, "de")
    assert kept.origin(settings.TITLES) is Origin.FILE
    assert kept.origin(settings.THEME) is Origin.DEFAULT
    said = tomllib.loads(path.read_text())
    assert (said["language"], said["chats"], said["appearance"]) == ("de", {"titles": False}, {"zoom": 1.5})


def test_the_default_again(file: SettingsFile) -> None:
    file.change({settings.TITLES: False, settings.ZOOM: 2.0})
    assert file.change({settings.TITLES: None})[settings.TITLES] is True
    assert file.read().origin(settings.TITLES) is Origin.DEFAULT
    assert file.read()[settings.ZOOM] == 2.0


def test_the_environment_goes_before(path: Path) -> None:
    write(path, '[appearance]\ntheme = "light"\n[privacy]\noff_line = true\n')
    around = {"NTXL_THEME": " dark ", "NTXL_OFF_LINE": "no"}
    file = SettingsFile(path, environment=around)
    values = file.read()
    assert (values[settings.THEME], values[settings.OFF_LINE]) == ("dark", False)
    assert values.told(settings.THEME) == "NTXL_THEME"
    with pytest.raises(UserFacingError, match="NTXL_THEME"):
        file.change({settings.THEME: "light"})
    assert path.read_text().count("light") == 1
    assert file.given()[settings.THEME] == "dark", "known before the file is read"


@pytest.mark.parametrize(("text", "value"), [("1", True), ("TRUE", True), ("off", False), (" 0 ", False), ("", None)])
def test_yes_and_no_of_the_environment(path: Path, text: str, value: bool | None) -> None:
    values = SettingsFile(path, environment={"NTXL_OFF_LINE": text}).read()
    assert values[settings.OFF_LINE] is bool(value)
    assert values.origin(settings.OFF_LINE) is (Origin.DEFAULT if value is None else Origin.ENVIRONMENT)


def test_what_a_variable_cannot_say_is_told(path: Path) -> None:
    values = SettingsFile(path, environment={"NTXL_OFF_LINE": "perhaps"}).read()
    assert values[settings.OFF_LINE] is False
    assert values.problems == ("The variable NTXL_OFF_LINE cannot be used: it is perhaps; it takes true or false.",)


# What a person writes into it


@pytest.mark.parametrize(
    ("text", "setting", "told"),
    [
        ('[chats]\n\ntitles = "yes"\n', settings.TITLES, 'line 3: chats.titles cannot be used: it is yes; it takes'),
        ("[chats]\ntitles = 1\n", settings.TITLES, "line 2: chats.titles"),
        ("[appearance]\nzoom = 9\n", settings.ZOOM, "line 2: appearance.zoom cannot be used: it is 9.0; it takes a"),
        ("[appearance]\nzoom = nan\n", settings.ZOOM, "line 2: appearance.zoom"),
        ("[appearance]\nzoom = true\n", settings.ZOOM, "line 2: appearance.zoom"),
        ('appearance.theme = "blue"\n', settings.THEME, 'line 1: appearance.theme cannot be used: it is "blue"'),
        ("language = 3\n", settings.LANGUAGE, "line 1: language"),
        ('language = "tlh"\n', settings.LANGUAGE, "line 1: language"),
        ("# mine\nchats = 3\n", settings.TITLES, "line 2: chats.titles cannot be used: chats is to be a table"),
        pytest.param(f"[appearance]\nzoom = 0x{'f' * 400}\n", settings.ZOOM, "line 2: appearance.zoom", id="digits"),
        ("[chats]\ntitles = [true]\n", settings.TITLES, "line 2: chats.titles"),
        ("[chats]\ntitels = true\n", settings.TITLES, "line 2: chats.titels is no setting"),
        ("[later]\nx = 1\n", settings.TITLES, "line 1: later is no setting"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_told_with_its_line(
    file: SettingsFile, path: Path, text: str, setting: Setting[Any], told: str
) -> None:
    write(path, text + "\n[privacy]\noff_line = true\n")
    values = file.read()
    assert values[setting] == setting.default
    assert not values.is_broken
    assert [each for each in values.problems if told in each], values.problems
    assert values[settings.OFF_LINE] is True, "the others hold"
    file.change({settings.OFF_LINE: False})
    assert path.read_text() == text + "\n[privacy]\noff_line = false\n", "and nothing else is touched"


@pytest.mark.parametrize(
    ("text", "line"),
    [(b"[chats]\ntitles = tru\n", 2), (b"[chats", 1), (b'a = "\n', 1), (b"# \xff\n", 1), (b"a=1\nb=\xff\n", 2),
     (b"a = 1\na = 2\n", 2), (b"x = '''\n\n", 3), (b"\0\0\0\0", 1),
     pytest.param(b"a = " + b"1" * 5000, 1, id="digits")],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_left_alone(file: SettingsFile, path: Path, text: bytes, line: int) -> None:
    write(path, text)
    values = file.read()
    assert values.is_broken
    assert f"line {line}" in values.problems[0]
    assert str(path) in values.problems[0]
    for chosen in ({settings.TITLES: False}, {settings.TITLES: None}):
        with pytest.raises(UserFacingError, match=f"line {line}"):
            file.change(chosen)
    file.make()
    assert path.read_bytes() == text


@pytest.mark.parametrize(
    ("text", "why"),
    [("chats = 3\n", "chats is to be a table"), ("[[chats]]\nx = 1\n", "chats is to be a table"),
     (f"x = {'[' * 200}{']' * 200}\n", "nested more than 100 levels")],
    ids=["no-table", "tables", "nested"],
)  # fmt: skip
def test_where_a_value_has_no_place_a_person_is_told(file: SettingsFile, path: Path, text: str, why: str) -> None:
    write(path, text)
    assert not file.read().is_broken
    with pytest.raises(UserFacingError, match=why):
        file.change({settings.TITLES: False})
    assert path.read_text() == text


def test_no_right_to_read_it(file: SettingsFile, path: Path) -> None:
    path.mkdir(parents=True)  # a folder in its place: root may read any file
    assert file.read().is_broken
    with pytest.raises(UserFacingError, match="cannot be read"):
        file.change({settings.TITLES: False})


def test_comments_order_and_ends_of_lines_stay(file: SettingsFile, path: Path) -> None:
    text = (
        "# mine\r\n[privacy]  # nobody's business\r\noff_line = true # on trains\r\n\r\n"
        "[appearance]\r\ntheme='dark'\r\n[later]\r\ndeep = {a = [1,\r\n 2]}\r\n"
    )
    write(path, text)
    file.change({settings.OFF_LINE: False, settings.THEME: "light"})
    assert path.read_bytes().decode() == text.replace("true", "false").replace("'dark'", '"light"')


def test_a_byte_order_mark_is_none_of_the_text(file: SettingsFile, path: Path) -> None:
    write(path, b"\xef\xbb\xbf[chats]\r\ntitles = false\r\n")
    assert file.read()[settings.TITLES] is False


def test_a_link_stays_one(file: SettingsFile, path: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles" / "settings.toml"
    write(real, "[chats]\ntitles = false\n")
    path.parent.mkdir()
    path.symlink_to(real)
    file.change({settings.TITLES: True})
    assert path.is_symlink()
    assert tomllib.loads(real.read_text()) == {"chats": {"titles": True}}


# What the program writes into it


def test_a_new_file_explains_itself(file: SettingsFile, path: Path) -> None:
    assert file.make() == path
    text = path.read_text()
    tables = {each.table for each in SETTINGS} - {""}
    assert tomllib.loads(text) == {table: {} for table in tables}
    assert file.read() == Values()
    on = text.replace("\n# " + "language", "\nlanguage")
    for setting in SETTINGS:
        on = on.replace(f"\n# {setting.name} = ", f"\n{setting.name} = ")
    write(path, on)
    values = file.read()
    assert not values.problems, "each default can be had by taking its # away"
    assert all(values[each] == each.default and values.origin(each) is Origin.FILE for each in SETTINGS)
    file.make()
    assert path.read_text() == on


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda each: each.key)
def test_a_value_stands_where_it_is_told_of(file: SettingsFile, path: Path, setting: Setting[Any]) -> None:
    file.make()
    file.change({setting: setting.default})
    lines = path.read_text().splitlines()
    place = next(number for number, line in enumerate(lines) if line.startswith(f"{setting.name} ="))
    assert lines[place - 1].startswith(f"# {setting.name} =")
    assert file.read().origin(setting) is Origin.FILE
    file.change({setting: None})
    assert path.read_text() == template(SETTINGS)


def test_nothing_is_written_where_nothing_changed(file: SettingsFile, path: Path) -> None:
    file.change({settings.TITLES: False})
    before = path.stat()
    file.change({settings.TITLES: False})
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("setting", "value"),
    [(settings.TITLES, 1), (settings.ZOOM, 4.0), (settings.THEME, "blue"), (settings.ZOOM, float("nan"))],
)
def test_a_value_that_is_none_is_refused(file: SettingsFile, path: Path, setting: Setting[Any], value: Any) -> None:
    with pytest.raises(UserFacingError, match="was not changed"):
        file.change({setting: value})
    assert not path.exists()


@hypothesis_settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(st.characters(exclude_categories=["Cs"]), max_size=80), with_template=st.booleans())
def test_any_text_comes_back(file: SettingsFile, path: Path, text: str, with_template: bool) -> None:
    path.unlink(missing_ok=True)
    if with_template:
        file.make()
    file.change({settings.MODEL_COLUMNS: text})
    assert file.read()[settings.MODEL_COLUMNS] == text


@hypothesis_settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=120).map(lambda said: said.encode("utf-8", "surrogatepass")) | st.binary(max_size=60))
def test_whatever_stands_in_it_is_read_or_left_alone(file: SettingsFile, path: Path, text: bytes) -> None:
    write(path, text)
    values = file.read()
    try:
        file.change({settings.TITLES: False})
    except UserFacingError:
        assert values.problems
        assert path.read_bytes() == text
    else:
        assert file.read()[settings.TITLES] is False


def test_a_full_disk_leaves_the_old_file(path: Path) -> None:
    file = SettingsFile(path, environment={})
    file.change({settings.TITLES: False})
    before = path.read_bytes()
    program = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from nodetool_xl_desktop.core import settings\n"
        "from nodetool_xl_desktop.core.settings_file import SettingsFile\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        "SettingsFile(Path(sys.argv[1])).change({settings.ZOOM: 2.0})\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert "The settings could not be saved" in ended.stderr
    assert path.read_bytes() == before


# Several programs


@pytest.fixture
def writers(path: Path) -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for writer in started:
        writer.kill()
        writer.communicate()


def begin(started: list[subprocess.Popen[str]], path: Path, times: int) -> list[subprocess.Popen[str]]:
    both = []
    for which in ("zoom", "columns"):
        command = [sys.executable, "-c", WRITER, which, str(path), str(times)]
        both.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    started += both
    for writer in both:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
    for writer in both:
        assert writer.stdin is not None
        writer.stdin.write("go\n")
        writer.stdin.flush()
    return both


def test_two_programs_that_write_lose_nothing(path: Path, writers: list[subprocess.Popen[str]]) -> None:
    for writer in begin(writers, path, 40):
        writer.communicate(timeout=60)
        assert writer.returncode == 0
    values = SettingsFile(path, environment={}).read()
    assert values[settings.ZOOM] == 1.39
    assert values[settings.MODEL_COLUMNS].startswith("columns 39")
    assert {each.name for each in path.parent.iterdir()} == {path.name}


@pytest.mark.parametrize("rounds", [4, pytest.param(100, marks=pytest.mark.soak)])
def test_killed_while_they_write(path: Path, writers: list[subprocess.Popen[str]], rounds: int) -> None:
    chance, written = random.Random(rounds), 0
    file = SettingsFile(path, environment={})
    for _ in range(rounds):
        both = begin(writers, path, 100_000)
        time.sleep(chance.uniform(0.1, 0.5))
        for writer in both:
            writer.send_signal(signal.SIGKILL)
        said = [writer.communicate()[0].splitlines() for writer in both]
        began = time.monotonic()
        file.change({settings.TITLES: False})
        assert time.monotonic() - began < 2
        values = file.read()
        assert not values.problems
        if said[0]:
            number = int(said[0][-1])
            assert values[settings.ZOOM] in ((100 + number % 200) / 100, (100 + (number + 1) % 200) / 100)
        if said[1]:
            assert int(values[settings.MODEL_COLUMNS].split()[1]) - int(said[1][-1]) in (0, 1)
        written += len(said[0]) + len(said[1])
    assert written >= rounds, "they came to write"
    assert {each.name for each in path.parent.iterdir()} == {path.name}, "what was half-written is swept away"


def test_another_program_holds_it(file: SettingsFile, path: Path) -> None:
    with locked(path.with_name(".settings.toml.lock")), pytest.raises(UserFacingError, match="another program"):
        file.change({settings.TITLES: False})
    assert not path.exists()


# What earlier versions kept


def older(path: Path, said: object) -> SettingsFile:
    before = path.with_name("preferences.json")
    write(before, said if isinstance(said, str) else json.dumps(said))
    return SettingsFile(path, older=before, environment={})


def test_preferences_are_taken_over_once(path: Path) -> None:
    said = {"title_chats": False, "zoom": 1.25, "off_line": False, "endpoint": "https://hub.example"}
    said["model_columns"] = "x"
    file = older(path, said)
    values = file.read()
    assert dict(values.held) == {
        "appearance.zoom": 1.25,
        "chats.titles": False,
        "privacy.endpoint": "https://hub.example",
        "window.model_columns": "x",
    }
    assert not path.with_name("preferences.json").exists()
    path.unlink()
    assert file.read() == Values(), "who removes the new file wants the defaults"


@pytest.mark.parametrize("said", [{"zoom": "large"}, {"zoom": 99.0, "title_chats": None}, "{", "[1]", "\x00", {}])
def test_preferences_that_cannot_be_understood_are_none(path: Path, said: object) -> None:
    assert older(path, said).read() == Values()


def test_preferences_do_not_go_over_settings(path: Path) -> None:
    write(path, "[appearance]\nzoom = 2.0\n")
    file = older(path, {"zoom": 1.5, "title_chats": False})
    assert file.read()[settings.ZOOM] == 2.0
    assert path.with_name("preferences.json").exists()


def test_preferences_are_taken_over_before_something_is_kept(path: Path) -> None:
    assert older(path, {"zoom": 1.5}).change({settings.TITLES: False})[settings.ZOOM] == 1.5


# The table


def test_the_declarations_agree() -> None:
    assert len({each.key for each in SETTINGS}) == len(SETTINGS)
    variables = [each.variable for each in SETTINGS if each.variable]
    assert len(set(variables)) == len(variables)
    for setting in SETTINGS:
        assert setting.checked(setting.default) == setting.default
        assert setting.title
        assert setting.about.endswith(".")
        assert setting.key.count(".") <= 1
        assert all(setting.checked(choice) == choice for choice in setting.choices)
        if isinstance(setting.default, int | float) and not isinstance(setting.default, bool):
            assert setting.least < setting.most


def test_the_language_is_what_the_texts_are_in(path: Path) -> None:
    """`core.translation` reads it by itself, before anything else can."""
    home = path.parent.parent
    SettingsFile(home / "data" / "nodetool-xl-desktop" / "settings.toml").change({})
    around = {**os.environ, "XDG_DATA_HOME": str(home / "data"), "LANG": "en_GB.UTF-8"}
    around.pop("NTXL_LANGUAGE")
    kept = home / "data" / "nodetool-xl-desktop" / "settings.toml"
    SettingsFile(kept, environment={}).change({settings.LANGUAGE: "de"})
    program = (
        "from nodetool_xl_desktop.core import translation, settings\n"
        "from nodetool_xl_desktop.core.paths import Paths\n"
        "from nodetool_xl_desktop.core.settings_file import SettingsFile\n"
        "values = SettingsFile(Paths.default().settings_file).read()\n"
        "print(translation.language(), values[settings.LANGUAGE], values.told(settings.LANGUAGE))\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", program], env=around, capture_output=True, text=True, timeout=60, check=False
    )
    assert said.stdout.split() == ["de", "de", "settings.toml"], said.stderr


def test_doctor_names_the_file_and_what_is_said(path: Path) -> None:
    home = path.parent
    kept = home / "nodetool-xl-desktop" / "settings.toml"
    write(kept, "[models]\nthreads = 3\n[chats]\ntitles = 1\n")
    around = {**os.environ, "XDG_DATA_HOME": str(home), "NTXL_OFF_LINE": "yes", "NTXL_LANGUAGE": ""}
    command = [sys.executable, "-m", "nodetool_xl_desktop", "doctor", "--json"]
    done = subprocess.run(command, env=around, capture_output=True, text=True, timeout=60, check=False)
    told = json.loads(done.stdout)
    assert told["paths"]["settings"] == str(kept)
    assert told["settings"] == {"models.threads": "3 (settings.toml)", "privacy.off_line": "true (NTXL_OFF_LINE)"}
    assert [each for each in told["problems"] if "line 4: chats.titles" in each["problem"]]
