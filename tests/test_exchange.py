"""The exchange of results: one whole set or the other for readers, from wherever it was ended."""

import contextlib
import json
import os
import stat
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from ipseval import exchange, locks, running
from ipseval.contracts import EXTRACTS
from ipseval.errors import UserError, explained

PLACES = ("unverified/review/effects.csv", "unverified/release/README.md", "person/checked/trial.parquet")


class Ended(BaseException):
    """Stands for SIGKILL: nothing of the program handles it."""


def made(folder: Path, word: str) -> None:
    """Files that the stages leave, each with a word in it."""
    contents = {
        "review/effects.csv": f"a\n{word}\n",
        "review/report.html": f"<body>\n<p>{word}</p></body>\n",
        "release/README.md": f"# {word}\n",
        "release/data/effects.csv": f"a\n{word}\n",
    }
    files = {name: name for name in contents}
    for name, content in exchange.marked(contents, files, "en").items():
        place = folder / exchange.UNVERIFIED / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
    for extract in EXTRACTS:
        place = folder / "person" / "checked" / f"{extract}.parquet"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.unlink(missing_ok=True)
        place.write_text(f"{extract} {word}")


def accept(folder: Path) -> None:
    """Accept what lies there, described by its checksums."""
    with exchange.candidate(folder) as place:
        files = [p for name in exchange.FOLDERS for p in sorted((place / name).rglob("*")) if p.is_file()]
        results = {p.relative_to(place).as_posix(): sha256(p.read_bytes()).hexdigest() for p in files}
        exchange.accept(folder, {"verify": "{}", "manifest": json.dumps({"results": results})})


def words(folder: Path) -> set[str]:
    """Which sets the files in place are of."""
    places = ("review/effects.csv", "release/README.md", "release/data/effects.csv", "person/last/trial.parquet")
    texts = [(folder / place).read_text() for place in places if (folder / place).exists()]
    return {word for word in ("first", "second") for text in texts if word in text}


def test_pages_are_marked_until_they_are_accepted(tmp_path: Path) -> None:
    made(tmp_path, "first")
    assert "Not verified" in (tmp_path / "unverified" / "review" / "report.html").read_text()
    assert "Not verified" in (tmp_path / "unverified" / "release" / "README.md").read_text()
    accept(tmp_path)
    assert (tmp_path / "review" / "report.html").read_text() == "<body>\n<p>first</p></body>\n"
    assert (tmp_path / "release" / "README.md").read_text() == "# first\n"
    assert exchange.is_whole(tmp_path)


def test_what_was_not_accepted_leaves_the_last_set_and_no_release(tmp_path: Path) -> None:
    made(tmp_path, "first")
    accept(tmp_path)
    made(tmp_path, "second")
    with pytest.raises(ZeroDivisionError), exchange.candidate(tmp_path):
        raise ZeroDivisionError
    assert words(tmp_path) == {"first"}
    assert exchange.is_whole(tmp_path)
    assert [p.name for p in tmp_path.rglob("release")] in (["release", "release"],)  # the last one, and the marked one


def test_an_exchange_can_be_ended_before_any_of_its_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ended once before the first change of a name, once before the second, and so on: each time it is completed."""
    replace, n_steps = os.replace, 0
    for number in range(100):
        folder = tmp_path / str(number)
        made(folder, "first")
        accept(folder)
        made(folder, "second")
        n_steps = 0

        def counting(source: Path, target: Path, number: int = number) -> None:
            nonlocal n_steps
            if ".part" not in Path(source).name:
                n_steps += 1
                if n_steps == number + 1:
                    raise Ended
            replace(source, target)

        monkeypatch.setattr(os, "replace", counting)
        with contextlib.suppress(Ended):
            accept(folder)
        monkeypatch.setattr(os, "replace", replace)
        if n_steps <= number:
            break
        in_place = (folder / "manifest.json").exists()
        assert not in_place or len(words(folder)) == 1  # a set with a manifest is never a mixture
        exchange.finish(folder)
        assert len(words(folder)) == 1
        assert exchange.is_whole(folder)
        assert not list((folder / "person").glob(".verified")) + list((folder / "person").glob(".previous"))
    assert n_steps > 8


def test_a_readers_own_files_are_kept_aside(tmp_path: Path) -> None:
    made(tmp_path, "first")
    accept(tmp_path)
    (tmp_path / "review" / "notes.txt").write_text("mine")
    made(tmp_path, "second")
    accept(tmp_path)
    assert (tmp_path / "kept" / "review" / "notes.txt").read_text() == "mine"
    assert not (tmp_path / "review" / "notes.txt").exists()


def test_a_set_that_was_spoilt_by_hand_is_noticed(tmp_path: Path) -> None:
    made(tmp_path, "first")
    accept(tmp_path)
    stamp = tmp_path / "unverified" / "manifest.json"
    stamp.write_text("{}")
    exchange.forget_unless_whole(tmp_path)
    assert stamp.exists()
    (tmp_path / "release" / "data" / "effects.csv").write_text("a\n9\n")
    exchange.forget_unless_whole(tmp_path)
    assert not stamp.exists()


def test_folders_of_persons_are_for_their_owner(tmp_path: Path) -> None:
    (tmp_path / "person").mkdir(mode=0o755)
    exchange.opened(tmp_path, PLACES)
    for place in (tmp_path / "person", tmp_path / "person" / "checked"):
        assert stat.S_IMODE(place.stat().st_mode) == 0o700


def test_a_second_run_into_the_same_results_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    """The lock ends with the process that holds it, however that ends."""
    hold = f"""
import sys, time
from pathlib import Path
from ipseval import running
with running.run([Path({str(tmp_path)!r})], []):
    print("held", flush=True)
    time.sleep(60)
"""
    holder = subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(UserError, match="another run is writing into this folder"), running.run([tmp_path], []):
        pass
    holder.kill()
    holder.wait()
    with running.run([tmp_path], []), pytest.raises(UserError), locks.run(tmp_path):
        pass


@pytest.mark.parametrize(("error", "said"), [(28, "Make room"), (30, "name a folder"), (13, "may be read")])
def test_what_the_machine_refuses_is_a_paragraph(error: int, said: str) -> None:
    text = explained(OSError(error, os.strerror(error), "results/north/review/effects.csv"))
    assert said in text
    assert "'results/north/review/effects.csv'" in text
    assert "\n" not in text
