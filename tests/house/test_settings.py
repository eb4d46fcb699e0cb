"""Settings: who wins, what is refused, and where a profile keeps its state."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from connexa.errors import RefusedError, UsageError
from connexa.settings import Loaded, Origin, Paths, example_toml, load, paths, private_directory


class Api(msgspec.Struct, frozen=True, kw_only=True):
    port: Annotated[int, msgspec.Meta(ge=0, le=65535, description="Port of the local API.")] = 7878
    origins: tuple[str, ...] = ()
    open: bool = False


class Program(msgspec.Struct, frozen=True, kw_only=True):
    domain: Annotated[str, msgspec.Meta(description="The domain that is served.")]
    api: Api = Api(port=7000)
    wait: float = 1.5
    folder: Path = Path("/var/tmp")

    def __post_init__(self) -> None:
        if self.domain == "contradiction.example":
            raise ValueError("this domain and that port do not go together")


class World:
    def __init__(self, root: Path) -> None:
        self.env = {"CONNEXA_HOME": str(root)}
        self.where = paths("default", self.env)
        self.where.profile_file.parent.mkdir(parents=True)
        self.where.file.write_text('[server]\ndomain = "file.example"\n')

    def load(self, **flags: object) -> Loaded[Program]:
        return load(Program, "server", self.where, self.env, {key.replace("__", "."): value for key, value in flags.items()})

    def refusal(self, **flags: object) -> UsageError:
        with pytest.raises(UsageError) as caught:
            self.load(**flags)
        return caught.value


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_flag_beats_environment_beats_profile_beats_file_beats_default(world: World) -> None:
    seen = [world.load().values.api.port]
    world.where.file.write_text('[server]\ndomain = "a.example"\n[server.api]\nport = 1\n')
    seen.append(world.load().values.api.port)
    world.where.profile_file.write_text("[server.api]\nport = 2\n")
    seen.append(world.load().values.api.port)
    world.env["CONNEXA_SERVER__API__PORT"] = "3"
    seen.append(world.load().values.api.port)
    seen.append(world.load(api__port="4").values.api.port)
    assert seen == [7000, 1, 2, 3, 4]


def test_every_value_knows_its_origin(world: World) -> None:
    world.where.profile_file.write_text("[server]\nwait = 2\n")
    world.env["CONNEXA_SERVER__API__OPEN"] = "true"
    found = {s.key: (s.origin, s.where) for s in world.load(api__port=5).settings}
    assert found == {
        "domain": (Origin.FILE, str(world.where.file)),
        "api.port": (Origin.FLAG, "--api.port"),
        "api.origins": (Origin.DEFAULT, ""),
        "api.open": (Origin.ENVIRONMENT, "CONNEXA_SERVER__API__OPEN"),
        "wait": (Origin.PROFILE, str(world.where.profile_file)),
        "folder": (Origin.DEFAULT, ""),
    }


def test_texts_are_read_as_the_type_of_their_setting(world: World) -> None:
    world.env |= {"CONNEXA_SERVER__API__ORIGINS": "one, two", "CONNEXA_SERVER__WAIT": "0.25", "CONNEXA_SERVER__FOLDER": "/srv"}
    values = world.load().values
    assert (values.api.origins, values.wait, values.folder) == (("one", "two"), 0.25, Path("/srv"))


def test_a_file_is_read_strictly(world: World) -> None:
    world.where.file.write_text('[server]\ndomain = "a.example"\n[server.api]\nport = "1"\n')
    assert world.refusal().code == "settings.bad_value"


@pytest.mark.parametrize(("key", "value"), [("api.port", "65536"), ("api.port", "many"), ("api.open", "perhaps"), ("wait", "soon")])
def test_a_bad_value_names_its_key_and_its_place(world: World, key: str, value: str) -> None:
    name = f"CONNEXA_SERVER__{key.upper().replace('.', '__')}"
    world.env[name] = value
    error = world.refusal()
    assert error.code == "settings.bad_value"
    assert key in error.message
    assert name in error.message


def test_an_unknown_key_is_refused_with_the_nearest_name(world: World) -> None:
    world.where.file.write_text('[server]\ndomian = "a.example"\n')
    error = world.refusal()
    assert (error.code, error.hint) == ("settings.unknown", "Did you mean domain?")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[servre]\n", "settings.unknown"),
        ("domain = 'a.example'\n", "settings.unknown"),
        ("[server]\ndomain = 'a.example'\n[server.api.port]\nx = 1\n", "settings.bad_value"),
        ("[server]\ndomain = 'a.example'\n[server.wiat]\nx = 1\n", "settings.unknown"),
    ],
)
def test_unknown_tables_are_refused(world: World, text: str, code: str) -> None:
    world.where.file.write_text(text)
    assert world.refusal().code == code


def test_unknown_variables_and_flags_are_refused(world: World) -> None:
    assert world.refusal(api__prot=1).code == "settings.unknown"
    world.env["CONNEXA_SERVER__API__PROT"] = "1"
    assert "CONNEXA_SERVER__API__PROT" in world.refusal().message


def test_another_programs_table_and_variables_are_left_alone(world: World) -> None:
    world.where.file.write_text('[server]\ndomain = "a.example"\n[node]\nanything = 1\n')
    world.env["CONNEXA_NODE__ANYTHING"] = "1"
    assert world.load().values.domain == "a.example"


def test_a_missing_value_says_which(world: World) -> None:
    world.where.file.unlink()
    error = world.refusal()
    assert (error.code, error.hint) == ("settings.missing", "The domain that is served.")
    assert "server.domain" in error.message


@pytest.mark.parametrize(
    ("raw", "code"), [(b"[server\n", "settings.malformed"), (b"server = 1\n", "settings.malformed"), (b"\xff", "settings.unreadable")]
)
def test_a_file_that_is_no_settings_file_is_refused(world: World, raw: bytes, code: str) -> None:
    world.where.file.write_bytes(raw)
    assert world.refusal().code == code


def test_two_settings_that_contradict_each_other_are_refused(world: World) -> None:
    assert world.refusal(domain="contradiction.example").code == "settings.contradiction"


def test_the_example_file_is_valid_and_changes_nothing(world: World) -> None:
    text = example_toml(Program, "server")
    assert tomllib.loads(text) == {"server": {"api": {}}}
    assert "# The domain that is served." in text
    before = world.load(domain="a.example").values
    spoken = "\n".join(line.removeprefix("# ") if " = " in line and "(required)" not in line else line for line in text.splitlines())
    world.where.file.write_text(spoken)
    after = world.load(domain="a.example")
    assert after.values == before
    assert {s.origin for s in after.settings} == {Origin.FLAG, Origin.FILE}


def test_connexa_home_moves_everything(tmp_path: Path) -> None:
    where = paths("work", {"CONNEXA_HOME": str(tmp_path), "XDG_CONFIG_HOME": "/elsewhere", "XDG_RUNTIME_DIR": "/elsewhere"})
    assert where == Paths(
        tmp_path / "config/config.toml", tmp_path / "config/profiles/work.toml", tmp_path / "data/work", tmp_path / "run/work"
    )


def test_without_it_the_xdg_places_are_used_and_relative_ones_ignored() -> None:
    env = {"XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d", "XDG_RUNTIME_DIR": "/r"}
    assert paths("p", env) == Paths(
        Path("/c/connexa/config.toml"), Path("/c/connexa/profiles/p.toml"), Path("/d/connexa/p"), Path("/r/connexa/p")
    )
    home = Path.home()
    assert paths("p", dict.fromkeys(env, "relative")) == Paths(
        home / ".config/connexa/config.toml",
        home / ".config/connexa/profiles/p.toml",
        home / ".local/share/connexa/p",
        home / ".local/share/connexa/p/run",
    )


@pytest.mark.parametrize("profile", ["", "../up", "A", "a/b", "-x", "x" * 33, "x\n"])
def test_a_profile_name_is_no_path(profile: str) -> None:
    with pytest.raises(UsageError) as caught:
        paths(profile, {})
    assert caught.value.code == "settings.bad_profile"


def test_a_socket_path_that_could_not_be_bound_is_refused_early() -> None:
    assert paths("p", {"CONNEXA_HOME": "/short"}).socket("node.sock") == Path("/short/run/p/node.sock")
    with pytest.raises(UsageError) as caught:
        paths("p", {"CONNEXA_HOME": "/" + "x" * 90}).socket("node.sock")
    assert caught.value.code == "settings.path_too_long"


def test_a_private_directory_is_for_its_owner_alone(tmp_path: Path) -> None:
    place = tmp_path / "a" / "b"
    assert private_directory(place).stat().st_mode & 0o777 == 0o700
    place.chmod(0o755)
    assert private_directory(place).stat().st_mode & 0o777 == 0o700


def test_a_symlink_is_no_private_directory(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(RefusedError) as caught:
        private_directory(tmp_path / "link")
    assert caught.value.code == "settings.foreign_directory"
