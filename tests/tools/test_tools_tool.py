"""Functions as tools: the schema from the signature, the words from the docstring, and what cannot be a tool."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, Required, TypedDict

import pytest
from jsonschema import Draft202012Validator

from nodetool_xl_desktop.tools import CalculatorTool, ClockTool, Tool, as_tool, definition, signature


class Unit(enum.Enum):
    CELSIUS = "celsius"
    FAHRENHEIT = "fahrenheit"


@dataclass
class Place:
    """Where."""

    city: str
    tags: list[str] = field(default_factory=list)


class Window(TypedDict, total=False):
    title: Required[str]
    days: int


@dataclass
class Tree:
    left: Tree | None = None


def weather(city: str, unit: Unit = Unit.CELSIUS, days: int = 1) -> str:
    """Tell the weather
    of a place.

    It is made up.

    Args:
        city: The city, with
            its country: "Paris, France".
        days (int, optional): How many.

    Returns:
        The weather.
    """
    return f"{city} {unit} {days}"


def described(parameter: Callable[..., Any]) -> Any:
    return as_tool(parameter).parameters["properties"]["x"]


def test_a_function_becomes_name_description_and_schema() -> None:
    made = definition(as_tool(weather))
    assert made == {
        "type": "function",
        "function": {
            "name": "weather",
            "description": "Tell the weather of a place.",
            "parameters": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": 'The city, with its country: "Paris, France".'},
                    "unit": {"enum": ["celsius", "fahrenheit"], "default": "celsius"},
                    "days": {"type": "integer", "default": 1, "description": "How many."},
                },
                "required": ["city"],
                "additionalProperties": False,
            },
        },
    }


PLACE = {
    "type": "object",
    "description": "Where.",
    "properties": {"city": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}},
    "required": ["city"],
}


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (
            tuple[int, str],
            {
                "type": "array",
                "prefixItems": [{"type": "integer"}, {"type": "string"}],
                "minItems": 2,
                "maxItems": 2,
                "items": False,
            },
        ),
        (Literal["a", "b"], {"enum": ["a", "b"]}),
        (Unit, {"enum": ["celsius", "fahrenheit"]}),
        (int | None, {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (Annotated[int, "a count"], {"type": "integer", "description": "a count"}),
        (Any, {}),
        (Place, PLACE),
        (list[Place], {"type": "array", "items": PLACE}),
        (
            Window,
            {
                "type": "object",
                "properties": {"title": {"type": "string"}, "days": {"type": "integer"}},
                "required": ["title"],
            },
        ),
    ],
)
def test_each_kind_of_annotation_has_its_schema(annotation: Any, schema: dict[str, Any]) -> None:
    def takes(x: Any) -> None:
        """Take it."""

    takes.__annotations__["x"] = annotation
    assert described(takes) == schema


def test_all_schemas_are_schemas() -> None:
    for tool in (as_tool(weather), CalculatorTool(), ClockTool()):
        Draft202012Validator.check_schema(tool.parameters)
        assert "$ref" not in str(tool.parameters)


def test_values_reach_the_function_as_its_annotations_say() -> None:
    seen: list[Any] = []

    def takes(place: Place, unit: Unit, pair: tuple[int, str], places: dict[str, Place]) -> None:
        """Take them."""
        seen.extend((place, unit, pair, places))

    as_tool(takes)(place={"city": "Paris"}, unit="celsius", pair=[1, "a"], places={"a": {"city": "Rome"}})
    assert seen == [Place("Paris"), Unit.CELSIUS, (1, "a"), {"a": Place("Rome")}]


def test_a_tool_stays_what_it_is() -> None:
    calculator = CalculatorTool()
    assert as_tool(calculator) is calculator
    assert isinstance(calculator, Tool)
    assert isinstance(ClockTool(), Tool)


def test_name_and_description_can_be_given() -> None:
    tool = as_tool(weather, name="get-weather", description="Other words.")
    assert (tool.name, tool.description) == ("get-weather", "Other words.")


def test_a_method_and_an_object_that_can_be_called_are_tools_too() -> None:
    class Counter:
        """Counts."""

        count = 0

        def add(self, by: int) -> int:
            """Count on."""
            self.count += by
            return self.count

        def __call__(self, by: int) -> int:
            return self.add(by)

    counter = Counter()
    assert as_tool(counter.add)(by=2) == 2
    assert as_tool(counter, name="counter")(by=2) == 4
    assert as_tool(counter, name="counter").description == "Counts."


def without_annotation(x) -> None:  # type: ignore[no-untyped-def]
    """Take it."""


def with_star(*x: int) -> None:
    """Take them."""


def with_two_stars(**x: int) -> None:
    """Take them."""


def positional_only(x: int, /) -> None:
    """Take it."""


def no_json(x: complex) -> None:
    """Take it."""


def no_json_default(x: int = 1j) -> None:  # type: ignore[assignment]
    """Take it."""


def holds_itself(x: Tree) -> None:
    """Take it."""


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (without_annotation, "no annotation"),
        (with_star, "no \\*"),
        (with_two_stars, "no \\*"),
        (positional_only, "by name"),
        (no_json, "complex"),
        (no_json_default, "complex"),
        (holds_itself, "holds itself: Tree"),
    ],
)
def test_what_cannot_be_a_tool_names_function_and_parameter(function: Callable[..., Any], words: str) -> None:
    with pytest.raises(TypeError, match=f"{function.__name__}, parameter x: .*{words}"):
        as_tool(function)


def test_other_things_that_cannot_be_tools() -> None:
    def silent(x: int) -> None:
        pass

    with pytest.raises(TypeError, match="silent: it has no docstring"):
        as_tool(silent)
    with pytest.raises(TypeError, match="no function"):
        as_tool(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"Place is a class: give one of its objects"):
        as_tool(Place)
    with pytest.raises(TypeError, match="no name"):
        as_tool(lambda: 1)


@pytest.mark.parametrize("name", ["with space", "é", "a" * 65, "a.b"])
def test_a_name_that_models_do_not_take(name: str) -> None:
    with pytest.raises(TypeError, match="no name for a tool"):
        as_tool(weather, name=name)


@pytest.mark.parametrize("parameters", [{"type": "string"}, {"type": "object", "properties": 3}, {}])
def test_an_object_with_a_wrong_schema_is_no_tool(parameters: dict[str, Any]) -> None:
    class Wrong(CalculatorTool):
        pass

    Wrong.parameters = parameters
    with pytest.raises(TypeError, match=r"calculator: its parameters are no JSON Schema"):
        as_tool(Wrong())


# The line of Python


def test_the_signature_reads_as_python() -> None:
    assert signature(as_tool(weather)) == (
        "def weather(city: str, unit: Literal['celsius', 'fahrenheit'] = 'celsius', days: int = 1) -> str: ..."
        '  # Tell the weather of a place. city: The city, with its country: "Paris, France". days: How many.'
    )
    assert signature(CalculatorTool()).startswith("def calculator(expression: str) -> str: ...  # Works out")


def test_the_signature_of_nested_and_optional_types() -> None:
    def takes(
        places: list[Place],
        pair: tuple[int, str],
        window: Window | None = None,
        by_name: dict[str, float] | None = None,
    ) -> None:
        """Take them."""

    assert signature(as_tool(takes)) == (
        'def takes(places: list[{"city": str, "tags": list[str]}], pair: tuple[int, str],'
        ' window: {"days": int, "title": str} | None = None, by_name: dict[str, float] | None = None) -> str: ...'
        "  # Take them."
    )


def test_what_is_required_comes_first_in_the_signature() -> None:
    class Other(CalculatorTool):
        parameters = {  # noqa: RUF012
            "type": "object",
            "properties": {"a": {"type": ["integer", "null"]}, "b": {"const": 3}, "c": {}, "d": True},
            "required": ["b"],
        }

    line = signature(as_tool(Other()))
    assert line.startswith("def calculator(b: Literal[3], a: int | None = None, c: Any = None, d: Any = None)")
