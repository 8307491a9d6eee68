"""What a folder may hold: hostile, broken and misplaced files are refused by name, and all of them at once."""

from __future__ import annotations

import os
import socket
import tracemalloc
from pathlib import Path

import pytest

from gpuplane.spec.errors import InvalidSpec, SpecError
from gpuplane.spec.loader import environment_names, load_environment
from tests.spec.wish import SERVICE, TENANT, Wish

FILE = "tenants/acme.yaml"
BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join(f'*{old}' for _ in range(9))}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True))
CHAIN = "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [*a{n}]\n" for n in range(5000))

UNREADABLE = {
    "a billion laughs": (BOMB, 1, "", "holds more than 50000 values once its aliases are expanded.", "Write the values out"),
    "nested 100,000 lists": ("a: " + "[" * 100_000, 1, "", "is nested more than 64 levels deep.", "Flatten"),
    "nested 100,000 mappings": ("{a: " * 100_000, 1, "", "is nested more than 64 levels deep.", "Flatten"),
    "nested 100,000 dashes": ("- " * 100_000, 1, "", "is nested more than 64 levels deep.", "Flatten"),
    "deep by aliases": (CHAIN, 1, "", "is nested more than 64 levels deep.", "Flatten"),
    "an alias of itself": ("a: 1\nb: &b [*b]\n", 2, "", "an alias points at the value it stands in.", "Write the value out."),
    "an alias of nothing": ("a: *nothing\n", 1, "", "is not YAML: found undefined alias", "Correct the YAML."),
    "not UTF-8": (b"apiVersion: gpuplane/v1\nkind: \xff\n", 2, "", "is not UTF-8 (byte 30).", "Save the file as UTF-8."),
    "UTF-16": ("kind: Tenant\n".encode("utf-16"), 1, "", "is not UTF-8", "Save"),
    "a NUL byte": ("a: 1\nb: \x00\n", 2, "", "control characters are not allowed (U+0000).", "Remove the character."),
    "an escape byte": ("a: \x1b[31m\n", 1, "", "control characters are not allowed (U+001B).", "Remove the character."),
    "half a surrogate": ('a: "\\ud800"\n', 1, "", "is not YAML: found invalid Unicode", "Correct the YAML."),
    "broken YAML": ("a: 1\nb: [\n", 3, "", "is not YAML: ", "Correct the YAML."),
    "tabs": ("a:\n\tb: 1\n", 2, "", "is not YAML: found character that cannot start any token.", "Correct the YAML."),
    "two documents": (TENANT + "---\n" + TENANT, TENANT.count("\n") + 2, "", "holds 2 documents", "One thing, one file."),
    "nothing": ("", 0, "", "holds 0 documents; allowed is exactly one.", "One thing, one file."),
    "only a comment": ("# nothing\n", 0, "", "holds 0 documents", "One thing, one file."),
    "text": ("acme\n", 1, "", '"acme" is not a mapping.', "Begin with apiVersion: gpuplane/v1 and kind: Tenant."),
    "a list": ("- a\n", 1, "", '["a"] is not a mapping.', "Begin with apiVersion"),
    "null": ("---\n", 2, "", "is empty.", "Write a value"),
    "another kind": (SERVICE, 2, "kind", '"InferenceService" does not belong here; allowed: Tenant.', "Move the file"),
    "a name that is not the file's": (TENANT.replace("name: acme", "name: beta", 1), 4, "metadata.name",
                                      '"beta" is not the name of its file; allowed: acme.', "Rename the file or the document."),
}

def put(wish: Wish, name: str, content: str | bytes) -> Path:
    path = wish.write() / "test" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def errors_in(folder: Path) -> tuple[SpecError, ...]:
    with pytest.raises(InvalidSpec) as caught:
        load_environment(folder, "test")
    return caught.value.errors


@pytest.mark.parametrize("case", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_file_that_is_no_document_is_refused(wish: Wish, case: tuple[str | bytes, int, str, str, str]) -> None:
    content, line, path, message, remedy = case
    put(wish, FILE, content)

    errors = errors_in(wish.folder)

    error = next(error for error in errors if error.file.endswith(FILE))
    assert (error.line, error.path) == (line, path)
    assert message in error.message
    assert remedy in error.remedy
    assert errors == (error,)


def test_an_anchor_of_one_file_is_nothing_in_another(wish: Wish) -> None:
    wish.change(FILE, "owner: acme-platform@example.com", "owner: &shared acme-platform@example.com")
    wish.files["tenants/beta.yaml"] = TENANT.replace("name: acme", "name: beta", 1).replace("acme-platform@example.com", "*shared")

    error, *others = wish.errors()

    assert (error.file.endswith("tenants/beta.yaml"), error.line, others) == (True, 6, [])
    assert "found undefined alias" in error.message


def test_a_file_of_100_mb_is_refused_without_being_read(wish: Wish) -> None:
    path = put(wish, FILE, "")
    os.truncate(path, 100 << 20)
    tracemalloc.start()

    error, *others = errors_in(wish.folder)

    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most_bytes < 50 << 20
    assert error.message == "104857600 bytes is more than the 1048576 a file may have."
    assert others == []


def test_a_file_within_the_size_but_with_too_many_values_is_refused(wish: Wish) -> None:
    put(wish, FILE, "a:\n" + "- b\n" * 200_000)

    assert errors_in(wish.folder)[0].message == "holds more than 50000 values once its aliases are expanded."


@pytest.mark.parametrize("name", ["environment.yaml", "tenants/acme.yaml", "tenants/other.yaml", "notes.txt"])
def test_a_symbolic_link_is_refused_and_not_followed(wish: Wish, tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.yaml"
    outside.write_text("password: hunter2\n")
    link = wish.write() / "test" / name
    link.unlink(missing_ok=True)
    link.symlink_to(outside)

    errors = errors_in(wish.folder)

    assert [error.message for error in errors if error.file.endswith(name)] == ["is a symbolic link."]
    assert "hunter2" not in "\n".join(map(str, errors))


def test_a_linked_folder_is_refused_and_not_entered(wish: Wish, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "x.yaml").write_text(TENANT)
    (wish.write() / "test" / "services" / "linked").symlink_to(outside, target_is_directory=True)
    (wish.folder / "test" / "loop").symlink_to(wish.folder / "test", target_is_directory=True)

    assert [(error.file.rpartition("test/")[2], error.message) for error in errors_in(wish.folder)] == [
        ("loop", "is a symbolic link."), ("services/linked", "is a symbolic link.")]


def test_an_environment_that_is_a_link_is_not_there(wish: Wish) -> None:
    (wish.write() / "other").symlink_to(wish.folder / "test", target_is_directory=True)

    assert environment_names(wish.folder) == ["test"]
    with pytest.raises(InvalidSpec, match=r'there is no environment "other".*there are: test'):
        load_environment(wish.folder, "other")


@pytest.mark.parametrize("name", ["../outside", "nothing", "", ".", "test/tenants", "/etc", "x\n::error::"])
def test_an_environment_that_is_not_there_is_refused_with_those_that_are(wish: Wish, name: str) -> None:
    wish.write()

    with pytest.raises(InvalidSpec) as caught:
        load_environment(wish.folder, name)

    assert len(str(caught.value).splitlines()) == 1
    assert "there are: test." in str(caught.value)


def test_a_folder_without_environments_says_so(tmp_path: Path) -> None:
    assert environment_names(tmp_path / "nothing") == []
    with pytest.raises(InvalidSpec, match="there are: none"):
        load_environment(tmp_path / "nothing", "prod")


def test_a_pipe_and_a_socket_are_refused_and_not_waited_for(wish: Wish) -> None:
    folder = wish.write() / "test" / "tenants"
    os.mkfifo(folder / "pipe.yaml")
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(folder)
        try:
            listener.bind("socket.yaml")
        finally:
            os.chdir(here)

        assert [error.message for error in errors_in(wish.folder)] == ["is not a regular file."] * 2


NO_NAME = "is not called after a possible name: 1 to 40 lower-case letters, digits and hyphens, beginning with a letter."
MISPLACED = {
    "a folder called like a document": ("tenants/x.yaml/keep", "tenants/x.yaml", "is a folder that is called like a document."),
    "another ending": ("tenants/beta.yml", "tenants/beta.yml", "would be ignored: documents end in .yaml."),
    "JSON": ("tenants/beta.json", "tenants/beta.json", "would be ignored: documents end in .yaml."),
    "capitals": ("tenants/beta.YAML", "tenants/beta.YAML", "would be ignored: documents end in .yaml."),
    "an unknown place": ("acme.yaml", "acme.yaml", "is in no known place."),
    "a service without tenant": ("services/chat.yaml", "services/chat.yaml", "is in no known place."),
    "too deep": ("services/acme/v2/chat.yaml", "services/acme/v2/chat.yaml", "is in no known place."),
    "a name with capitals": ("tenants/Beta.yaml", "tenants/Beta.yaml", NO_NAME),
    "a tenant's folder with capitals": ("services/Acme/chat.yaml", "services/Acme/chat.yaml", NO_NAME),
    "a name of 41 characters": (f"tenants/{'a' * 41}.yaml", f"tenants/{'a' * 41}.yaml", NO_NAME),
    "a tenant in a folder": ("tenants/europe/beta.yaml", "tenants/europe/beta.yaml", "is in no known place."),
}


@pytest.mark.parametrize(("name", "shown", "message"), MISPLACED.values(), ids=MISPLACED.keys())
def test_a_file_out_of_place_is_refused(wish: Wish, name: str, shown: str, message: str) -> None:
    put(wish, name, TENANT)

    error, *others = errors_in(wish.folder)

    assert (error.file.rpartition("test/")[2], error.message, others) == (shown, message, [])
    assert error.remedy


@pytest.mark.parametrize("name", ["README.md", ".hidden.yaml", ".git/config.yaml", "tenants/.acme.yaml.swp", "tenants/OWNERS"])
def test_files_that_are_no_documents_are_left_alone(wish: Wish, name: str) -> None:
    put(wish, name, "not: [yaml")

    assert wish.errors() == ()


@pytest.mark.parametrize("name", ["tenants/acme\n.yaml", "tenants/\x1b[31m.yaml", b"tenants/\xff\xfe.yaml"])
def test_a_name_that_would_break_a_report_is_shown_escaped(wish: Wish, name: str | bytes) -> None:
    Path(wish.write(), "test", os.fsdecode(name)).write_text(TENANT)

    errors = errors_in(wish.folder)

    assert all(str(error).isprintable() and str(error).encode() for error in errors)


def test_a_file_that_cannot_be_read_is_an_error(wish: Wish, monkeypatch: pytest.MonkeyPatch) -> None:
    wish.write()

    def denied(path: str, flags: int) -> int:
        raise PermissionError(13, "Permission denied")
    monkeypatch.setattr("gpuplane.spec.yaml_source.os.open", denied)

    assert {error.message for error in errors_in(wish.folder)} == {"cannot be read: Permission denied."}


def test_two_documents_with_one_name_are_refused(wish: Wish) -> None:
    wish.files["tenants/beta.yaml"] = TENANT

    error = wish.error()

    assert error.file.endswith("tenants/beta.yaml")
    assert (error.line, error.path) == (4, "metadata.name")
    assert '"acme" is not the name of its file; allowed: beta.' in str(error)


def test_every_error_of_every_file_comes_at_once_sorted_by_file_and_line(wish: Wish) -> None:
    wish.change("environment.yaml", "cloud: existing", "cloud: azure").change("node-pools/h100.yaml", "gpu:", "gpus:")
    wish.change(FILE, "h100: 8", "h100: many").change(FILE, "owner:", "owners:")
    service = "services/acme/chat.yaml"
    wish.change(service, "cpu: 8", "cpu: 8m").change(service, "max_replicas: 2", "max_replicas: 0")
    wish.files |= {"tenants/beta.yml": "", "tenants/gamma.yaml": "a: [", "services/ghost/chat.yaml": SERVICE}

    errors = wish.errors()

    assert [(error.file.rpartition("test/")[2], error.line, error.path) for error in errors] == [
        ("environment.yaml", 6, "spec.cloud"),
        ("node-pools/h100.yaml", 6, "spec.gpus"),
        ("services/acme/chat.yaml", 18, "spec.resources.cpu"), ("services/acme/chat.yaml", 22, "spec.scaling.max_replicas"),
        ("services/ghost/chat.yaml", 4, "metadata.name"),
        (FILE, 6, "spec.owners"), (FILE, 12, "spec.quota.h100"),
        ("tenants/beta.yml", 0, ""), ("tenants/gamma.yaml", 2, "")]
    assert all(error.remedy for error in errors)


def test_the_same_files_give_the_same_wish_in_whatever_order_the_disk_lists_them(
        wish: Wish, monkeypatch: pytest.MonkeyPatch) -> None:
    wish.files["tenants/beta.yaml"] = TENANT.replace("name: acme", "name: beta", 1)
    spec = wish.load()
    walk = os.walk
    monkeypatch.setattr(os, "walk", lambda top: ((folder, folders[::-1], files[::-1]) for folder, folders, files in walk(top)))

    assert load_environment(wish.folder, "test") == spec
    assert list(spec.tenants) == ["acme", "beta"]
