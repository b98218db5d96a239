"""The starter model with another chat template: what a template can take is asked of the engine, not guessed.

    model = with_template(starter_model, tmp_path / "gemma.gguf", GEMMA)

The templates are short ones in the manner of the models that they are named after, with the same refusals.
"""

from __future__ import annotations

import struct
from pathlib import Path

from nodetool_xl_desktop.gguf import read_model

_KEY = b"tokenizer.chat_template"
_STRING = struct.pack("<I", 8)  # the type of a value, before it

#: As Gemma 2: no system role, and turns of user and assistant have to alternate.
GEMMA = """\
{%- if messages[0]['role'] == 'system' -%}{{ raise_exception('System role not supported') }}{%- endif -%}
{%- for message in messages -%}
{%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) -%}
{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}
{%- endif -%}
{{ '<|im_start|>' + ('model' if message['role'] == 'assistant' else message['role']) + '\\n' -}}
{{- message['content'] | trim + '<|im_end|>\\n' }}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>model\\n' }}{%- endif -%}
"""

#: As Qwen 2.5 and Hermes: tools in the system text, several calls in one turn, results as turns of their own.
QWEN = """\
{%- set first = messages[0]['content'] if messages[0]['role'] == 'system' else 'You are helpful.' -%}
{{- '<|im_start|>system\\n' + first -}}
{%- if tools -%}
{{- '\\n<tools>' -}}{%- for tool in tools -%}{{- '\\n' + (tool | tojson) -}}{%- endfor -%}{{- '\\n</tools>' -}}
{{- '\\nReturn each call as <tool_call>\\n{"name": <name>, "arguments": <object>}\\n</tool_call>' -}}
{%- endif -%}
{{- '<|im_end|>\\n' -}}
{%- for message in messages -%}
{%- if message.role == 'tool' -%}
{{- '<|im_start|>user\\n<tool_response>\\n' + message.content + '\\n</tool_response><|im_end|>\\n' -}}
{%- elif message.role != 'system' or not loop.first -%}
{{- '<|im_start|>' + message.role + '\\n' + (message.content or '') -}}
{%- for call in message.tool_calls or [] -%}
{{- '\\n<tool_call>\\n{"name": "' + call.function.name + '", "arguments": ' -}}
{{- (call.function.arguments | tojson) + '}\\n</tool_call>' -}}
{%- endfor -%}
{{- '<|im_end|>\\n' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}
"""

#: As Llama 3.2: it knows tools, but one call a turn only.
LLAMA = """\
{%- if messages[0]['role'] == 'system' -%}
{{- '<|im_start|>system\\n' + messages[0]['content'] | trim -}}
{%- set messages = messages[1:] -%}
{%- else -%}
{{- '<|im_start|>system\\nYou are helpful.' -}}
{%- endif -%}
{%- if tools -%}{%- for tool in tools -%}{{- '\\n' + (tool | tojson) -}}{%- endfor -%}{%- endif -%}
{{- '<|im_end|>\\n' -}}
{%- for message in messages -%}
{%- if not (message.role == 'ipython' or message.role == 'tool' or 'tool_calls' in message) -%}
{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] | trim + '<|im_end|>\\n' -}}
{%- elif 'tool_calls' in message -%}
{%- if not message.tool_calls | length == 1 -%}
{{- raise_exception('This model only supports single tool-calls at once!') -}}
{%- endif -%}
{%- set call = message.tool_calls[0].function -%}
{{- '<|im_start|>assistant\\n{"name": "' + call.name + '", "parameters": ' -}}
{{- (call.arguments | tojson) + '}<|im_end|>\\n' -}}
{%- else -%}
{{- '<|im_start|>ipython\\n' + message.content + '<|im_end|>\\n' -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}
"""

#: Content as a list of parts only, as templates of vision models have it.
TYPED = """\
{%- for message in messages -%}
{{- '<|im_start|>' + message['role'] + '\\n' -}}
{%- if message['content'] is string -%}{{- raise_exception('Content must be a list of parts') -}}{%- endif -%}
{%- for part in message['content'] -%}
{%- if part['type'] == 'image' -%}{{- '<image>' -}}{%- else -%}{{- part['text'] -}}{%- endif -%}
{%- endfor -%}
{{- '<|im_end|>\\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}{{ '<|im_start|>assistant\\n' }}{%- endif -%}
"""


def with_template(model: Path, copy: Path, template: str) -> Path:
    """Write a copy of a GGUF file with this chat template in place of its own; returns the copy."""
    content = model.read_bytes()
    header = read_model(model)
    key = struct.pack("<Q", len(_KEY)) + _KEY + _STRING
    start = content.index(key, 0, header.header_bytes) + len(key)
    (length,) = struct.unpack_from("<Q", content, start)
    said = template.encode()
    head = content[:start] + struct.pack("<Q", len(said)) + said + content[start + 8 + length : header.header_bytes]
    # Offsets count from where the data begins, which stands at a multiple of the alignment.
    padding = b"\0" * (-len(head) % header.alignment)
    copy.write_bytes(head + padding)
    with copy.open("ab") as file:
        file.write(content[header.data_offset :])
    assert read_model(copy).total_size == copy.stat().st_size
    return copy
