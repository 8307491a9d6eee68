"""The git repository around the environments, read and written below its work tree.

Files come from commits and new commits are made from trees, through an index of their own: whatever the user has in the work tree is
neither read nor touched, and a process that is killed leaves objects that nothing names. Only the last step, the branch, is seen.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gpuplane.delivery.comparison import check_out, commit_of, repository_of
from gpuplane.delivery.exit_status import CannotStart

_FIELDS = ("%H", "%ct", "%ae", "%P", "%s", "%(trailers:only,unfold)")
_NOBODY = "0" * 40


@dataclass(frozen=True)
class Commit:
    """One commit.

    Attributes:
        seconds: Unix time of its committer.
        author: address of its author.
        parents: hashes, first parent first.
        trailers: ``Key: value`` lines at the end of its message.
    """

    hash: str
    seconds: int
    author: str
    parents: tuple[str, ...]
    subject: str
    trailers: tuple[tuple[str, str], ...]

    def trailer(self, key: str) -> tuple[str, ...]:
        """Every value of a trailer."""
        return tuple(value for name, value in self.trailers if name == key)


@dataclass(frozen=True)
class Repository:
    """A repository, and the folder of environments in it.

    Attributes:
        top: its work tree.
        folder: the environments below that, with slashes; ``.`` for the top itself.
        shown: the folder as the user named it.
    """

    top: Path
    folder: str
    shown: Path

    @staticmethod
    def around(environments: Path, why: str) -> Repository:
        """The repository around a folder.

        Raises:
            CannotStart: there is none; ``why`` says what it is needed for.
        """
        if not environments.is_dir():
            raise CannotStart(f"{environments} is no folder. Give --environments DIR.")
        top = repository_of(environments, why)
        return Repository(top, environments.resolve().relative_to(top.resolve()).as_posix(), environments)

    def commit(self, ref: str) -> str:
        """The hash that a ref names.

        Raises:
            CannotStart: there is no such ref.
        """
        return commit_of(self.top, ref)

    def path(self, relative: str) -> str:
        """A path below the environments, from the top of the repository."""
        return relative if self.folder == "." else f"{self.folder}/{relative}"

    def read(self, commit: str, path: str) -> bytes | None:
        """A file of a commit; None where it is not there."""
        done = self._run("cat-file", "blob", f"{commit}:{path}", allowed=(0, 128))
        return done.stdout if done.returncode == 0 else None

    @contextmanager
    def environments(self, tree: str) -> Iterator[Path]:
        """The environments' folder of a commit or tree, for as long as the context lasts, in a folder of its own."""
        with tempfile.TemporaryDirectory(prefix="gpuplane-tree-", ignore_cleanup_errors=True) as made:
            place = Path(made) / "environments"
            place.mkdir()
            check_out(self.top, tree if self.folder == "." else f"{tree}:{self.folder}", place)
            yield place

    def history(self, commit: str, path: str) -> Iterator[Commit]:
        """Commits on the first parents' line that changed a file, newest first."""
        yield from self._log("--first-parent", commit, "--", path)

    def line(self, commit: str) -> list[tuple[str, int]]:
        """Hash and Unix time of every commit on the first parents' line, newest first."""
        rows = (row.split() for row in self._text("log", "--first-parent", "--format=%H %ct", commit).splitlines())
        return [(name, int(seconds)) for name, seconds in rows]

    def changes(self, commit: str, path: str) -> Iterator[Commit]:
        """Commits that changed a file, on every line of the history, newest first."""
        yield from self._log(commit, "--", path)

    @property
    def user(self) -> str:
        """Address of who commits here; empty where git knows nobody."""
        said = self._run("var", "GIT_AUTHOR_IDENT", allowed=(0, 128)).stdout.decode("utf-8", "replace")
        return said.partition("<")[2].partition(">")[0]

    def one(self, commit: str) -> Commit:
        """One commit."""
        return next(iter(self._log("-1", commit)))

    def is_ancestor(self, commit: str, of: str) -> bool:
        """Whether a commit is another one, or came before it."""
        return self._run("merge-base", "--is-ancestor", commit, of, allowed=(0, 1)).returncode == 0

    def added(self, commit: str, path: str) -> Commit | None:
        """The commit that added a file, wherever in the history it is; None where nobody knows."""
        found = list(self._log("--diff-filter=A", commit, "--", path))
        return found[-1] if found else None

    @property
    def is_shallow(self) -> bool:
        """Whether the history has been cut off."""
        return self._text("rev-parse", "--is-shallow-repository") == "true"

    def boundary(self, commit: Commit) -> bool:
        """Whether the history of a shallow repository ends at this commit."""
        return self.is_shallow and commit.hash in self._text("rev-list", "--max-parents=0", commit.hash).split()

    def uncommitted(self) -> list[str]:
        """Files below the environments that differ from the last commit."""
        listed = self._text("status", "--porcelain", "--untracked-files=all", "--", self.folder, strip=False)
        return [line[3:] for line in listed.splitlines()]

    def tree_with(self, commit: str, files: Mapping[str, str]) -> str:
        """The tree of a commit with other text in some of its files; nothing names it yet.

        Raises:
            CannotStart: one of them is no ordinary file there.
        """
        with tempfile.TemporaryDirectory(prefix="gpuplane-index-", ignore_cleanup_errors=True) as made:
            index = str(Path(made) / "index")
            self._run("read-tree", commit, index=index)
            for path, text in sorted(files.items()):
                mode = self._text("ls-tree", "--format=%(objectmode)", commit, "--", path) or "100644"
                if mode not in ("100644", "100755"):
                    raise CannotStart(f"{path} is no ordinary file in {commit[:12]}.")
                blob = self._run("hash-object", "-w", "--stdin", given=text.encode()).stdout.decode().strip()
                self._run("update-index", "--add", "--cacheinfo", f"{mode},{blob},{path}", index=index)
            return self._text("write-tree", index=index)

    def new_commit(self, tree: str, parent: str, message: str) -> str:
        """A commit of a tree by the user that git is set up for; nothing names it yet.

        Raises:
            CannotStart: git knows no user.
        """
        sign = ("-S",) if self._text("config", "--default", "false", "--type=bool", "--get", "commit.gpgsign") == "true" else ()
        return self._run("commit-tree", *sign, "-p", parent, tree, given=message.encode()).stdout.decode().strip()

    def create_branch(self, name: str, commit: str) -> None:
        """Name a commit, in one step; a branch that is there already is never moved.

        Raises:
            CannotStart: there is a branch of that name, or the name is none.
        """
        if self._run("check-ref-format", "--branch", name, allowed=(0, 1, 128)).returncode:
            raise CannotStart(f"{name!r} cannot be the name of a branch; choose another with --branch.")
        if self._run("rev-parse", "--verify", "--quiet", f"refs/heads/{name}", allowed=(0, 1)).returncode == 0:
            raise CannotStart(f"there is a branch {name} already: look at it, delete it, or choose another with --branch.")
        self._run("update-ref", "-m", "gpuplane", f"refs/heads/{name}", commit, _NOBODY)

    def _log(self, *arguments: str) -> Iterator[Commit]:
        # What separates them is the one byte that no message can hold: a commit could else say that it is several.
        parts = self._text("log", "-z", f"--format={'%x00'.join(_FIELDS)}", *arguments, strip=False).split("\0")
        for commit, seconds, author, parents, subject, trailers in zip(*[iter(parts)] * len(_FIELDS), strict=False):
            pairs = (line.partition(":") for line in trailers.split("\n") if ":" in line)
            yield Commit(commit, int(seconds), author, tuple(parents.split()), subject,
                         tuple((key.strip(), value.strip()) for key, _, value in pairs))

    def _text(self, *arguments: str, strip: bool = True, index: str = "") -> str:
        found = self._run(*arguments, index=index).stdout.decode("utf-8", "replace")
        return found.strip() if strip else found

    def _run(self, *arguments: str, given: bytes | None = None, allowed: tuple[int, ...] = (0,), index: str = "",
             ) -> subprocess.CompletedProcess[bytes]:
        variables = {**os.environ, **({"GIT_INDEX_FILE": index} if index else {})}
        try:
            done = subprocess.run(["git", *arguments], cwd=self.top, env=variables, input=given, capture_output=True,
                                  check=False)
        except OSError as error:
            raise CannotStart(f"git cannot be run in {self.top}: {error.strerror}.") from None
        if done.returncode not in allowed:
            raise CannotStart(f"git {arguments[0]} failed in {self.top}: {done.stderr.decode('utf-8', 'replace').strip()[-500:]}")
        return done
