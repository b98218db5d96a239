"""What `read_model` says of sound files."""

from __future__ import annotations

import pickle
import time
from pathlib import Path
from statistics import median

import pytest
from gguf_writer import Typed, gguf_header, write_gguf

from nodetool_xl_desktop.gguf import (
    FILE_TYPES,
    TENSOR_TYPES,
    ArrayInfo,
    Malformed,
    parse,
    read_model,
    size_label,
    type_name,
)

LLAMA = {"general.architecture": "llama"}
TENSORS = [("token_embd.weight", (256, 8), "Q6_K"), ("blk.0.attn_q.weight", (256, 512), "Q4_K")]


def read(tmp_path: Path, metadata, tensors=TENSORS, **options):
    return read_model(write_gguf(tmp_path / "model.gguf", metadata, tensors, **options))


def test_the_starter_model(starter_model):
    header = read_model(starter_model)

    assert header.files == (starter_model,)
    assert header.file_size == header.total_size == 98_362_432
    assert (header.version, header.alignment) == (3, 32)
    assert header.architecture == "llama"
    assert header.name == "Smollm2 135M 8k Lc100K Mix1 Ep2"
    assert header.quantization == "Q4_1"
    assert header.n_params == 134_515_008
    assert header.size_label == "135M"
    assert header.context_length_max == 8192
    assert header.vocab_size == 49_152
    assert header.block_count == 30
    assert header.kind == "model"
    assert header.is_model
    assert header.chat_template is not None
    assert "<|im_start|>" in header.chat_template
    assert header.metadata["tokenizer.ggml.tokens"] == ArrayInfo("str", 49_152)
    assert header.metadata["tokenizer.ggml.token_type"] == ArrayInfo("i32", 49_152)
    assert header.metadata["general.languages"] == ("en",)
    assert header.metadata["llama.rope.freq_base"] == 100_000.0


def test_the_tensors_of_the_starter_model_fill_its_file(starter_model):
    header = read_model(starter_model)

    last = header.tensors[-1]
    assert len(header.tensors) == 272
    assert header.data_offset + last.offset + last.size == header.file_size
    assert header.header_bytes <= header.data_offset < header.header_bytes + header.alignment
    embedding = next(tensor for tensor in header.tensors if tensor.name == "token_embd.weight")
    assert embedding.shape == (576, 49_152)
    assert embedding.n_elements == 576 * 49_152
    assert {tensor.type_name for tensor in header.tensors} >= {"F32", "Q4_1"}


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("alignment", [8, 32, 4096])
def test_versions_and_alignments(tmp_path, version, alignment):
    header = read(tmp_path, LLAMA, version=version, alignment=alignment)

    assert (header.version, header.alignment) == (version, alignment)
    assert header.data_offset % alignment == 0
    assert header.tensors[1].offset % alignment == 0
    assert header.tensor_bytes == 8 * 210 + 512 * 144


def test_every_type_of_value(tmp_path):
    numbers = {
        "u8": 2**8 - 1,
        "i8": -(2**7),
        "u16": 2**16 - 1,
        "i16": -(2**15),
        "u32": 2**32 - 1,
        "i32": -(2**31),
        "u64": 2**64 - 1,
        "i64": -(2**63),
        "f32": 0.5,
        "f64": 1e300,
        "bool": True,
        "str": "Grüße 🙂",
    }
    single = {f"one.{name}": Typed(name, value) for name, value in numbers.items()}
    many = {f"many.{name}": Typed(name, [value] * 3) for name, value in numbers.items()}
    empty = {f"none.{name}": Typed(name, []) for name in numbers}

    metadata = read(tmp_path, {**LLAMA, **single, **many, **empty}).metadata

    for name, value in numbers.items():
        assert metadata[f"one.{name}"] == value
        assert metadata[f"many.{name}"] == (value,) * 3
        assert metadata[f"none.{name}"] == ()


def test_short_arrays_are_kept_and_long_ones_counted(tmp_path):
    metadata = {
        **LLAMA,
        "numbers.short": [1] * 1024,
        "numbers.long": [1] * 1025,
        "strings.short": ["a"] * 64,
        "strings.long": ["a"] * 65,
        "text.short": "a" * 1024 * 1024,
        "text.long": "a" * (1024 * 1024 + 1),
        "strings.heavy": ["a", "a" * (1024 * 1024 + 1)],
        "end": 7,
    }

    found = read(tmp_path, metadata).metadata

    assert found["numbers.short"] == (1,) * 1024
    assert found["numbers.long"] == ArrayInfo("u32", 1025)
    assert found["strings.short"] == ("a",) * 64
    assert found["strings.long"] == ArrayInfo("str", 65)
    assert found["text.short"] == "a" * 1024 * 1024
    assert found["text.long"] == ArrayInfo("char", 1024 * 1024 + 1)
    assert found["strings.heavy"] == ArrayInfo("str", 2)
    assert found["end"] == 7


def test_strings_longer_than_what_is_read_at_once(tmp_path):
    strings = [b"x" * length for length in (300_000, 0, 5_000_000, 1, 262_144 - 8)] + [b"y"] * 100

    found = read(tmp_path, {**LLAMA, "tokenizer.ggml.tokens": strings, "end": 7})

    assert found.vocab_size == 105
    assert found.metadata["end"] == 7


def test_text_that_is_not_utf_8(tmp_path):
    header = read(tmp_path, {**LLAMA, b"k\xff": b"v\xff"})

    assert header.metadata["k\N{REPLACEMENT CHARACTER}"] == "v\N{REPLACEMENT CHARACTER}"


def test_a_file_that_says_next_to_nothing(tmp_path):
    header = read(tmp_path, LLAMA)

    assert header.name == "model"
    assert header.quantization == "Q4_K"  # it holds most bytes
    assert header.context_length_max is None
    assert header.chat_template is None
    assert header.vocab_size is None
    assert header.block_count == 0
    assert (header.split_no, header.split_count) == (0, 1)


def test_values_of_an_odd_type_are_as_good_as_none(tmp_path):
    odd = {
        "general.name": 3,
        "general.file_type": "Q4_K_M",
        "general.type": 1,
        "llama.context_length": "long",
        "llama.block_count": [1, 2],
        "tokenizer.chat_template": ["a"],
        "tokenizer.ggml.tokens": 5,
        "split.count": "many",
    }
    header = read(tmp_path, {**LLAMA, **odd})

    assert (header.name, header.quantization, header.kind) == ("model", "Q4_K", "model")
    assert (header.context_length_max, header.block_count, header.vocab_size) == (None, 0, None)
    assert header.chat_template is None
    assert header.split_count == 1


@pytest.mark.parametrize(
    ("file_type", "name"), [(15, "Q4_K_M"), (15 | 1024, "Q4_K_M"), (38, "MXFP4_MOE"), (999, "Q4_K")]
)
def test_the_name_of_the_quantization(tmp_path, file_type, name):
    assert read(tmp_path, {**LLAMA, "general.file_type": file_type}).quantization == name


def test_a_name_is_one_line_of_bounded_length(tmp_path):
    header = read(tmp_path, {**LLAMA, "general.name": " A\n\tname " + "x" * 500})

    assert header.name.startswith("A name xxx")
    assert len(header.name) == 200


@pytest.mark.parametrize(
    ("metadata", "tensors", "kind"),
    [
        ({}, TENSORS, "model"),
        ({"general.type": "model"}, TENSORS, "model"),
        ({"general.type": "model"}, [], "vocabulary"),
        ({"general.architecture": "clip"}, TENSORS, "projector"),
        ({"general.type": "mmproj"}, TENSORS, "projector"),
        ({"general.type": "adapter"}, TENSORS, "adapter"),
        ({"general.type": "imatrix"}, TENSORS, "imatrix"),
        ({"general.type": "something"}, TENSORS, "other"),
    ],
)
def test_kinds_of_files(tmp_path, metadata, tensors, kind):
    header = read(tmp_path, {**LLAMA, **metadata}, tensors)

    assert header.kind == kind
    assert header.is_model == (kind == "model")


def test_an_importance_matrix_has_no_architecture(tmp_path):
    header = read(tmp_path, {"general.type": "imatrix"})

    assert (header.kind, header.architecture) == ("imatrix", "")


def test_values_for_each_layer(tmp_path):
    header = read(
        tmp_path,
        {
            **LLAMA,
            "llama.block_count": 3,
            "llama.attention.head_count": 9,
            "llama.attention.head_count_kv": [3, 1, 2],
            "llama.attention.sliding_window_pattern": [True, True, False],
            "llama.rope.scaling.type": "yarn",
            "llama.per_token": [0] * 2000,
        },
    )

    assert header.get_int("attention.head_count") == 9
    assert header.get_int("attention.head_count", 4) == 9
    assert header.get_int("missing", 4) == 4
    assert header.get_int("missing") is None
    assert header.get_int("attention.head_count_kv", 4) == 4
    assert header.get_ints("attention.head_count", 3) == (9, 9, 9)
    assert header.get_ints("attention.head_count_kv", 3) == (3, 1, 2)
    assert header.get_ints("attention.sliding_window_pattern", 3) == (1, 1, 0)
    assert header.get_ints("missing", 2, default=5) == (5, 5)
    for suffix, layers in (
        ("attention.head_count_kv", 2),
        ("rope.scaling.type", 3),
        ("per_token", 3),
        ("x", 2**40),
    ):
        with pytest.raises(Malformed):
            header.get_ints(suffix, layers)


@pytest.mark.parametrize(
    ("count", "label"),
    [
        (0, ""),
        (12, "0K"),
        (134_515_008, "135M"),
        (999_600_000, "1B"),
        (1_100_048_384, "1.1B"),
        (7_241_732_096, "7.2B"),
        (8_030_261_248, "8B"),
        (70_553_706_496, "71B"),
        (671_026_419_200, "671B"),
        (1_026_408_232_448, "1T"),
        (5_000_000_000_000_000, "5000T"),
    ],
)
def test_numbers_of_parameters_as_people_say_them(count, label):
    assert size_label(count) == label


def test_tables_of_types():
    # Bits per weight as the papers and the engine's own names have them.
    bits = {name: 8 * size / elements for name, elements, size in TENSOR_TYPES.values()}
    told = {"F32": 32, "BF16": 16, "Q8_0": 8.5, "Q6_K": 6.5625, "Q4_K": 4.5, "Q4_1": 5, "IQ2_XXS": 2.0625}
    told |= {"IQ4_NL": 4.5, "IQ4_XS": 4.25, "IQ1_S": 1.5625, "IQ1_M": 1.75, "TQ2_0": 2.0625, "MXFP4": 4.25}

    assert {name: bits[name] for name in told} == told
    assert type_name(14) == "Q6_K"
    assert type_name(99) == "type 99"
    assert FILE_TYPES[18] == "Q6_K"


def test_a_header_can_be_compared_hashed_and_sent_to_another_process(starter_model):
    header = read_model(starter_model)

    again = pickle.loads(pickle.dumps(header))
    assert again == header
    assert hash(again) == hash(header)


def test_it_is_read_forward_in_few_pieces_within_the_file():
    tokens = [b"token%d" % number for number in range(200_000)]
    content = gguf_header({**LLAMA, "tokenizer.ggml.tokens": tokens})
    asked = []

    def read_piece(offset, size):
        asked.append((offset, size))
        return content[offset : offset + size]

    header = parse(read_piece, len(content), Path("remote.gguf"))

    assert header.vocab_size == 200_000
    assert len(asked) <= 5
    assert asked == sorted(asked)
    assert all(offset + size <= len(content) for offset, size in asked)


def test_it_takes_milliseconds(starter_model, tmp_path):
    tokens = [b"token%d" % number for number in range(262_144)]
    vocabulary = {
        **LLAMA,
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.scores": [0.0] * 262_144,
        "tokenizer.ggml.token_type": [1] * 262_144,
    }
    large = write_gguf(tmp_path / "large.gguf", vocabulary, TENSORS)

    assert _milliseconds(starter_model) < 30
    assert _milliseconds(large) < 100


def _milliseconds(path: Path) -> float:
    taken = []
    for _ in range(20):
        started = time.perf_counter()
        read_model(path)
        taken.append(1000 * (time.perf_counter() - started))
    print(f"{path.name}: median of 20 {median(taken):.1f} ms, worst {max(taken):.1f} ms")
    return median(taken)
