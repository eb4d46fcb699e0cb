"""Every verb against real programs: two homeservers, and the nodes of two people, as the demo raises them."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import unquote, urlsplit

import pytest
import segno

from connexa.cli import main
from connexa.cli.demo.device import Device
from connexa.cli.demo.stage import Stage, raised_stage

pytestmark = pytest.mark.xdist_group("processes")


class Answer:
    """What a call said."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def data(self) -> Any:
        assert self.code == 0, self.err
        found = json.loads(self.out)
        assert found["v"] == 1
        return found

    @property
    def error(self) -> Any:
        assert self.out == ""
        return json.loads(self.err)["error"]


def on(device: Device, *words: str, stdin: str = "") -> Answer:
    """Call the command line of a device."""
    out, err = io.StringIO(), io.StringIO()
    home = mock.patch.dict(os.environ, {"CONNEXA_HOME": str(device.program.home)})
    with home, contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), mock.patch("sys.stdin", io.StringIO(stdin)):
        code = main(["--json", *words])
    return Answer(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with raised_stage(lambda _: None) as raised:
        yield raised


@pytest.fixture(scope="module")
def friends(stage: Stage) -> Stage:
    """Alice asked, and Bob accepted: by invite, as people do who met."""
    text = on(stage.bob.laptop, "invite", "create", "--uses", "1").data["text"]
    accepted = on(stage.alice.laptop, "invite", "accept", "-", stdin=f"{text}\n").data
    assert accepted["address"] == stage.bob.address
    on(stage.alice.laptop, "send", stage.bob.address, "first words", "--wait", "delivered")
    stage.bob.laptop.until_contact(stage.alice.address)
    stage.alice.laptop.until_contact(stage.bob.address)
    return stage


def test_a_stranger_asks_and_is_let_in(stage: Stage) -> None:
    alice, bob = stage.alice, stage.bob
    assert on(alice.laptop, "contact", "add", bob.address, "--name", "Bobby").data["name"] == "Bobby"
    sent = on(alice.laptop, "send", "Bobby", "-", stdin="may I?\n").data
    assert sent["text"] == "may I?"
    bob.laptop.until_request()
    listed = on(bob.laptop, "contact", "requests", "list").data["items"]
    assert (listed[0]["domain"], listed[0]["address"], listed[0]["texts"]) == ("a.example", "", [])
    opened = on(bob.laptop, "contact", "requests", "show", listed[0]["id"]).data
    assert (opened["address"], opened["texts"]) == (alice.address, ["may I?"])
    assert on(bob.laptop, "contact", "requests", "accept", listed[0]["id"]).data["state"] == "accepted"
    info = on(alice.laptop, "send", "Bobby", "thank you", "--wait", "delivered", "--timeout", "20").data
    assert info["state"] in ("delivered", "read")


def test_reading_tells_the_sender(friends: Stage) -> None:
    alice, bob = friends.alice, friends.bob
    sent = on(alice.laptop, "send", bob.address, "read me").data
    bob.laptop.until_text(alice.address, "read me")
    kept = on(bob.laptop, "read", alice.address, "--keep-unread").data
    assert kept["items"][-1]["text"] == "read me"
    assert on(bob.laptop, "inbox").data["conversations"][0]["unread"] >= 1
    on(bob.laptop, "read", alice.address)
    assert on(bob.laptop, "inbox").data["conversations"] == []
    assert alice.laptop.until_devices(sent["id"], "read", 1)["message"]["state"] == "read"
    info = on(alice.laptop, "msg", "info", sent["id"]).data
    assert info["message"]["state"] == "read"
    assert list(info["states"]) and info["path"]


def test_a_file_is_sent_shown_and_saved(friends: Stage, tmp_path: Path) -> None:
    alice, bob, to_bob, to_alice = friends.alice.laptop, friends.bob.laptop, friends.bob.address, friends.alice.address
    path = tmp_path / "my film.mp4"
    path.write_bytes(random.Random(7).randbytes(700_000))
    limits = on(alice, "attachment", "limits").data
    assert limits["file_bytes"] >= 100 * 1024 * 1024
    sent = on(alice, "send", to_bob, "--attach", str(path), "--attach", str(path), "--wait", "delivered", "look").data
    assert [file["name"] for file in sent["attachments"]] == ["my film.mp4"] * 2
    assert sent["attachments"][0]["type"] == "video/mp4"
    shown = on(bob, "read", to_alice).data["items"][-1]
    assert (shown["id"], shown["attachments"][0]["size"]) == (sent["id"], 700_000)
    saved = on(bob, "attachment", "save", sent["id"], "--file", "1", "--to", str(tmp_path / "saved.mp4")).data
    assert Path(saved["path"]).read_bytes() == path.read_bytes()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["my film.mp4", "saved.mp4"]
    assert on(bob, "attachment", "save", sent["id"], "--to", str(tmp_path / "saved.mp4")).error["code"] == "file.exists"
    assert on(bob, "attachment", "save", sent["id"], "--file", "2").error["code"] == "attachment.not_found"
    assert on(alice, "attachment", "list").data["items"] == []
    assert on(alice, "attachment", "cancel", sent["id"]).error["code"] == "upload.not_found"
    forwarded = on(bob, "msg", "forward", sent["id"], to_alice, "--json").data
    assert forwarded["forwarded"]
    big = tmp_path / "sparse"
    with big.open("wb") as file:
        file.truncate(limits["file_bytes"] + 1)
    assert on(alice, "send", to_bob, "--attach", str(big)).error["code"] == "attachment.too_large"


def test_the_doctor_finds_nothing_and_names_nobody(friends: Stage) -> None:
    found = on(friends.alice.laptop, "doctor")
    assert {check["verdict"] for check in found.data["checks"]} <= {"ok", "warning"}
    assert {"database", "messages", "link"} <= {check["name"] for check in found.data["checks"]}
    assert friends.alice.address not in found.out
    assert friends.bob.address not in found.out


def test_waiting_ends_with_9(friends: Stage) -> None:
    ended = on(friends.alice.laptop, "send", friends.bob.address, "no answer to this", "--wait", "read", "--timeout", "0.5")
    assert (ended.code, ended.error["code"]) == (9, "wait.ended")


def test_the_same_id_is_the_same_message(friends: Stage) -> None:
    words = ("send", friends.bob.address, "once", "--id", "ab" * 16)
    first, second = on(friends.alice.laptop, *words).data, on(friends.alice.laptop, *words).data
    assert first["id"] == second["id"] == "ab" * 16
    friends.bob.laptop.until_text(friends.alice.address, "once")
    texts = [one["text"] for one in on(friends.bob.laptop, "read", friends.alice.address, "--keep-unread").data["items"]]
    assert texts.count("once") == 1
    assert on(friends.alice.laptop, "send", friends.bob.address, "x", "--id", "not hex").code == 2


def test_watch_streams_one_object_a_line(friends: Stage) -> None:
    cursor = on(friends.bob.laptop, "status").data["event_cursor"]
    on(friends.alice.laptop, "send", friends.bob.address, "watched")
    friends.bob.laptop.until_text(friends.alice.address, "watched")
    seen = on(friends.bob.laptop, "watch", friends.alice.address, "--after", str(cursor), "--count", "1")
    event = json.loads(seen.out.splitlines()[0])
    assert (seen.code, event["v"], event["kind"], event["message"]["text"]) == (0, 1, "message.new", "watched")


def test_replies_and_subjects(friends: Stage) -> None:
    first = on(friends.alice.laptop, "send", friends.bob.address, "the minutes", "--subject", "Minutes").data
    assert first["subject"] == "Minutes"
    got = friends.bob.laptop.until_text(friends.alice.address, "the minutes")
    reply = on(friends.bob.laptop, "send", friends.alice.address, "thanks", "--reply", got["id"]).data
    assert reply["reply_to"] == first["id"]


def test_contacts_can_be_compared_verified_and_blocked(friends: Stage) -> None:
    alice, bob = friends.alice, friends.bob
    shown, theirs = on(alice.laptop, "contact", "show", bob.address).data, on(bob.laptop, "contact", "show", alice.address).data
    assert len(shown["safety_number"]) == 60
    assert shown["safety_number"] == theirs["safety_number"]
    number, verify = theirs["safety_number"], ("contact", "verify", bob.address)
    assert on(alice.laptop, *verify).error["code"] == "verify.nothing_compared"  # nobody looks at a screen here
    wrong = on(alice.laptop, *verify, "--digits", "-", stdin="0" * 60)
    assert (wrong.code, wrong.error["code"]) == (8, "safety.mismatch")
    assert on(alice.laptop, "contact", "list").data["items"][0]["trust"] == "attested"
    spaced = " ".join(number[at : at + 5] for at in range(0, 60, 5))
    verified = on(alice.laptop, *verify, "--digits", "-", stdin=spaced).data
    assert (verified["trust"], verified["verified_how"]) == ("verified", "typed")
    assert on(alice.laptop, "read", bob.address, "--keep-unread").data["conversation"]["trust"] == "verified"
    assert on(alice.laptop, *verify, "--undo").data["trust"] == "attested"
    code = theirs["safety_code"]
    assert on(alice.laptop, *verify, "--scan", code).data["verified_how"] == "scanned"
    own = on(bob.laptop, "contact", "verify", alice.address, "--scan", code)
    assert (own.code, own.error["code"]) == (2, "safety.own_code")
    assert on(alice.laptop, "contact", "trust", bob.address, "--yes").error["code"] == "identity.unchanged"
    assert on(alice.laptop, "contact", "keep", bob.address).error["code"] == "identity.unchanged"
    assert on(alice.laptop, "contact", "rename", bob.address, "Robert").data["name"] == "Robert"
    assert on(alice.laptop, "contact", "block", "Robert").data["state"] == "blocked"
    assert on(alice.laptop, "contact", "unblock", "Robert").data["state"] == "accepted"
    assert on(alice.laptop, "contact", "show", "nobody@b.example").code == 4


def test_conversations_are_muted_and_archived(friends: Stage) -> None:
    device, other = friends.alice.laptop, friends.bob.address
    assert on(device, "conv", "mute", other).data["muted"] is True
    assert on(device, "conv", "mute", other, "--undo").data["muted"] is False
    assert on(device, "conv", "archive", other).data["archived"] is True
    assert [one["address"] for one in on(device, "conv", "list", "--archived").data["items"]] == [other]
    assert on(device, "conv", "archive", other, "--undo").data["archived"] is False
    assert on(device, "conv", "show", other).data["address"] == other


def test_a_draft_is_kept_shown_on_the_other_device_and_thrown_away(friends: Stage) -> None:
    laptop, phone, other = friends.alice.laptop, friends.alice.phone, friends.bob.address
    assert on(laptop, "conv", "draft", other, "-", "--subject", "Plans", stdin="half a th\n").data["draft"] == "half a th"
    phone.until(lambda: (phone.conversation(other) or {}).get("draft") == "half a th" or None, "the draft")
    assert on(phone, "conv", "draft", other).data["draft_subject"] == "Plans"
    assert on(laptop, "conv", "draft", other, "--clear").data["draft"] == ""
    assert on(laptop, "conv", "draft", other, "words", "--clear").code == 2
    assert on(laptop, "conv", "draft", other, "x" * 20_000).code == 2


def test_messages_are_deleted_here(friends: Stage) -> None:
    sent = on(friends.alice.laptop, "send", friends.bob.address, "a slip").data
    on(friends.alice.laptop, "msg", "delete", sent["id"], "--yes")
    assert on(friends.alice.laptop, "msg", "show", sent["id"]).code == 4


def test_devices_are_named(stage: Stage) -> None:
    items = on(stage.alice.laptop, "device", "list").data["items"]
    assert [one["name"] for one in items if one["this"]] == ["laptop"]
    assert [one["this"] for one in items].count(True) == 1
    phone = next(one for one in items if not one["this"])
    assert on(stage.alice.laptop, "device", "rename", phone["id"], "pocket").data["name"] == "pocket"


@contextlib.contextmanager
def shown_code(device: Device, address: str) -> Iterator[subprocess.Popen[str]]:
    """`connexa device link`, which shows a code and waits."""
    words = [sys.executable, "-m", "connexa.cli", "--json", "device", "link", address]
    env = {**os.environ, "CONNEXA_HOME": str(device.program.home)}
    with subprocess.Popen(words, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_device_shows_its_code_as_a_picture_of_the_same_text(stage: Stage, tmp_path: Path) -> None:
    tablet = Device("tablet with a camera", stage.root / "camera", stage.bob.phone.program.settings)
    picture, expected = tmp_path / "code.svg", io.BytesIO()
    try:
        tablet.program.start().await_ready()
        shown = on(tablet, "device", "link", stage.bob.address, "--no-wait", "--qr", str(picture)).data
        segno.make_qr(shown["code"], error="m").save(expected, kind="svg", scale=8, border=4)
        assert picture.read_bytes() == expected.getvalue()
        assert on(tablet, "device", "link", stage.bob.address, "--no-wait", "--qr", str(tmp_path / "code.doc")).code == 2
    finally:
        tablet.end()


def read_object(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def test_a_device_is_linked_and_revoked(stage: Stage) -> None:
    bob = stage.bob
    tablet = Device("bob's tablet", stage.root / "bob-tablet", {**bob.phone.program.settings, "CONNEXA_NODE__DEVICE_NAME": "tablet"})
    try:
        tablet.program.start().await_ready()
        with shown_code(tablet, bob.address) as link:
            code = read_object(link)["code"]
            assert on(bob.phone, "device", "approve", "-", stdin=code).code == 5  # only the primary device may
            met = on(bob.laptop, "device", "approve", "-", stdin=code).data
            assert met["name"] == "tablet"
            shown = read_object(link)
            assert shown["fingerprint"] == on(bob.laptop, "account", "show").data["fingerprint"]
            approved = on(bob.laptop, "device", "confirm", met["id"], "-", stdin=shown["digits"]).data
            assert (approved["name"], approved["last_seen"] > 0) == ("tablet", True)
            assert read_object(link)["state"] == "active"
            assert read_object(link)["complete"] is True  # the history, which this program waits for
            assert link.wait(20) == 0
        tablet.until_active()
        assert on(tablet, "device", "history").data["complete"] is True
        assert on(tablet, "device", "history", "--again").data["complete"] is True
        assert on(bob.laptop, "device", "history").data["history"] is None
        assert len(on(bob.laptop, "device", "list").data["items"]) == 3
        assert on(bob.phone, "device", "revoke", "tablet", "--yes").code == 5  # only the primary device may
        assert on(bob.laptop, "device", "revoke", "tablet", "--yes").data["listed"] is False
        listed = [one for one in on(bob.laptop, "device", "list").data["items"] if one["listed"]]
        assert len(listed) == 2
    finally:
        tablet.end()


def test_an_account_is_shown_named_and_exported(stage: Stage, tmp_path: Path) -> None:
    shown = on(stage.alice.laptop, "account", "show").data
    assert (shown["address"], shown["primary"]) == (stage.alice.address, True)
    assert on(stage.alice.laptop, "account", "set", "--name", "Alice L.").data["name"] == "Alice L."
    assert on(stage.alice.laptop, "account", "show", "--account", "x@a.example").code == 4
    assert on(stage.alice.laptop, "account", "export").data["certificate"].startswith("-----BEGIN PGP PUBLIC KEY BLOCK-----")
    file = tmp_path / "alice.asc"
    assert on(stage.alice.laptop, "account", "export", "-o", str(file)).data["path"] == str(file)
    assert on(stage.alice.laptop, "account", "export", "-o", str(file)).code == 6


def test_an_invite_is_listed_and_revoked(stage: Stage) -> None:
    made = on(stage.bob.laptop, "invite", "create", "--uses", "3", "--days", "1").data
    assert made["id"] in [one["id"] for one in on(stage.bob.laptop, "invite", "list").data["items"]]
    on(stage.bob.laptop, "invite", "revoke", made["id"])
    assert next(one for one in on(stage.bob.laptop, "invite", "list").data["items"] if one["id"] == made["id"])["revoked"] is True


def test_a_registration_without_or_with_a_wrong_invite_is_refused(stage: Stage) -> None:
    carol = Device("carol", stage.root / "carol", stage.alice.laptop.program.settings)
    try:
        carol.program.start().await_ready()
        for source, stdin in (("-", "00" * 32), ("-", "nonsense")):
            refused = on(carol, "account", "create", "carol@a.example", "--invite", source, stdin=stdin)
            assert refused.code in (2, 5), refused.err
        assert on(carol, "account", "create", "carol@a.example", "--open").code == 5
        assert on(carol, "account", "list").data["items"] == []
        invite = stage.alice.server.invite()
        assert on(carol, "account", "create", "alice@a.example", "--invite", "-", stdin=invite).code in (5, 6)  # her name is taken
    finally:
        carol.end()


def test_the_words_for_people_are_not_json(stage: Stage) -> None:
    out = io.StringIO()
    with mock.patch.dict(os.environ, {"CONNEXA_HOME": str(stage.alice.laptop.program.home)}), contextlib.redirect_stdout(out):
        for words in (["status"], ["account", "show"], ["device", "list"], ["inbox", "--all"], ["contact", "list"], ["conv", "list"]):
            assert main(words) == 0
    assert stage.alice.address in out.getvalue()
    assert "{" not in out.getvalue()


def until_group(device: Device, name: str, **facts: Any) -> dict[str, Any]:
    """Wait until a group is shown so."""

    def look() -> dict[str, Any] | None:
        groups = on(device, "group", "list", "--all").data["items"]
        return next((one for one in groups if one["name"] == name and all(one[fact] == facts[fact] for fact in facts)), None)

    return device.until(look, f"the group {name}")


def test_a_group_from_its_making_to_its_end(friends: Stage, tmp_path: Path) -> None:
    alice, bob = friends.alice, friends.bob
    assert on(alice.laptop, "group", "create", "Garden").data["name"] == "Garden"
    until_group(alice.laptop, "Garden", state="member")
    assert on(alice.laptop, "group", "invite", "Garden", bob.address).code == 0
    invited = until_group(bob.laptop, "Garden", state="invited")
    assert (invited["inviter"], invited["role"]) == (alice.address, "member")
    assert on(bob.laptop, "send", "Garden", "too early").error["code"] == "group.invited"
    assert on(bob.laptop, "group", "accept", "Garden").data["state"] == "member"
    on(alice.laptop, "send", "Garden", "hello all", "--wait", "accepted")

    def read() -> dict[str, Any] | None:
        found = on(bob.laptop, "read", "Garden").data
        return found if [one["text"] for one in found["items"]] == ["hello all"] else None

    assert bob.laptop.until(read, "the message")["conversation"]["group"] is True
    shown = [on(one, "group", "show", invited["short"]).data for one in (alice.laptop, bob.laptop)]
    assert shown[0]["roster"] == shown[1]["roster"]
    assert sorted(one["address"] for one in shown[1]["people"]) == [alice.address, bob.address]

    assert on(bob.laptop, "group", "rename", "Garden", "Mine").error["code"] == "group.not_allowed"
    assert on(alice.laptop, "group", "role", "Garden", bob.address, "admin").code == 0
    until_group(bob.laptop, "Garden", role="admin")
    image = tmp_path / "garden.png"
    image.write_bytes(b"an image")
    for words in (
        ["timer", "Garden", "8h"],
        ["history", "Garden", "last", "10"],
        ["avatar", "Garden", str(image)],
        ["link", "Garden", "--new"],
    ):
        assert on(bob.laptop, "group", *words).code == 0
    until_group(alice.laptop, "Garden", timer=28_800, history="last 10", link=True)
    assert on(alice.laptop, "group", "timer", "Garden", "soon").code == 2
    assert on(alice.laptop, "group", "link", "Garden").data["text"].startswith("cxgroup1")
    assert on(alice.laptop, "group", "join", stdin="cxgroup1nothing").error["code"] == "group_link.malformed"

    assert on(alice.laptop, "group", "remove", "Garden", bob.address, "--yes").code == 0
    until_group(bob.laptop, "Garden", state="removed")
    until_group(alice.laptop, "Garden", link=False)
    assert on(bob.laptop, "send", "Garden", "still here?").error["code"] == "group.over"
    assert on(alice.laptop, "group", "leave", "Garden", "--yes").code == 0
    until_group(alice.laptop, "Garden", state="left")
    assert on(alice.laptop, "group", "list").data["items"] == []


def test_the_app_is_opened_by_a_page_that_others_cannot_read(stage: Stage) -> None:
    """Command lines are seen by everybody on the machine: the browser's names a file, and the key is in the file."""
    with mock.patch.dict(os.environ, {"DISPLAY": ":0"}), mock.patch("webbrowser.open", return_value=True) as shown:
        opened = on(stage.alice.laptop, "open").data
    assert opened["opened"] is True
    assert opened["url"].startswith(f"{stage.alice.laptop.url}#k=")
    (address,) = shown.call_args.args
    assert "k=" not in address
    page = Path(unquote(urlsplit(address).path))
    assert page.stat().st_mode & 0o777 == 0o600
    assert f"url={opened['url']}" in page.read_text()


def test_without_a_screen_the_link_is_printed(stage: Stage) -> None:
    with mock.patch.dict(os.environ, {"DISPLAY": "", "WAYLAND_DISPLAY": ""}), mock.patch("webbrowser.open") as shown:
        opened = on(stage.alice.laptop, "open").data if sys.platform != "darwin" else on(stage.alice.laptop, "open", "--print").data
    assert (opened["opened"], shown.called) == (False, False)


def test_a_message_is_worded_anew_answered_found_and_deleted_everywhere(friends: Stage, tmp_path: Path) -> None:
    alice, bob = friends.alice.laptop, friends.bob.laptop
    to, back = friends.bob.address, friends.alice.address
    sent = on(alice, "send", to, "**harbor** at noon", "--markup", "--wait", "delivered").data
    assert (sent["text"], sent["spans"][0]["kind"]) == ("harbor at noon", "bold")
    assert on(alice, "msg", "edit", sent["id"], "harbour at noon").data["text"] == "harbour at noon"
    assert on(bob, "msg", "edit", sent["id"], "at one").error["code"] == "message.not_yours"
    answer = on(bob, "send", back, "see you", "--reply", sent["id"], "--wait", "delivered").data
    assert [one["id"] for one in on(bob, "msg", "thread", sent["id"]).data["items"]] == [sent["id"], answer["id"]]
    assert on(bob, "msg", "react", sent["id"], "\N{THUMBS UP SIGN}").data["reactions"][0]["mine"]
    assert [one["text"] for one in on(alice, "msg", "versions", sent["id"]).data["items"]] == ["harbor at noon", "harbour at noon"]
    while not (found := on(alice, "search", "from:me", "harbo").data)["complete"]:
        pass  # the index follows what was said just now
    assert [one["message"]["id"] for one in found["items"]] == [sent["id"]]
    assert on(alice, "search", "has:everything").error["code"] == "search.unknown"
    assert on(bob, "msg", "forward", sent["id"], back).data["forwarded"]
    assert on(alice, "msg", "delete", "--everywhere", "--yes", sent["id"]).code == 0
    assert on(alice, "msg", "show", sent["id"]).data["kind"] == "withdrawn"
    assert on(alice, "conv", "expire", to, "7d").data["timer"] == 604_800
    assert on(alice, "conv", "expire", to, "off").data["timer"] == 0
    assert on(alice, "conv", "expire", to, "soon").error["code"] == "time.malformed"
    count = len(on(alice, "read", to, "--limit", "500").data["items"])
    for kind in ("json", "mbox"):
        written = on(alice, "conv", "export", to, "--format", kind, "--to", str(tmp_path / kind)).data
        assert written["messages"] == count and (tmp_path / kind).stat().st_size
    assert on(alice, "conv", "export", to, "--to", str(tmp_path / "json")).error["code"] == "export.exists"
