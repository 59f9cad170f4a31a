from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "tests" / "support" / "killed_runs.py"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="killed runs are forked")


def outcome(*arguments: object):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    ended = subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, timeout=300,
        env=environment,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def test_a_kill_at_any_step_of_writing_leaves_whole_files_and_resumes_to_the_same_bytes(tmp_path):
    found = outcome("each-step", tmp_path)
    assert found["files"] == 8  # two shards, run.json and manifest.json for each of two sites
    # Within each file, before its bytes, its name and the folder get to the disk; and before each folder is made.
    assert found["steps"] >= 4 * found["files"] + 2
    assert found["left_behind"] == list(range(9))


def test_the_command_killed_at_moments_of_chance_ends_with_the_same_bytes(tmp_path):
    pytest.importorskip("transformers")
    text = tmp_path / "text"
    text.mkdir()
    for number in range(12):
        (text / f"{number}.py").write_text(f"def add_{number}(left, right):\n    return left + right\n\n" * 40)
    found = outcome("command-line", tmp_path, ROOT / "examples" / "code_models" / "left", text)
    assert found["shards"] == sorted(found["shards"])
    assert 4 <= found["shards"][-1] < found["shards_in_all"]


def test_a_full_disk_leaves_what_is_there_valid_and_says_how_to_go_on(tmp_path):
    found = outcome("full-disk", tmp_path)
    assert found["after"] == ["run.json", "shard-00000.safetensors", "shard-00001.safetensors"]
    assert re.search(
        r"limited: no room for shard-00002.safetensors \(File too large\); 2 shards there are whole; "
        r"make room, then go on with resume=True \(--resume",
        found["said"],
    )
