"""The guards of groups' delivery (groups-mls §5): what a hub, its fallbacks and the homeservers of members refuse."""

from __future__ import annotations

from tests.mutation.guard import Guard

__all__ = ["DELIVERY_GUARDS"]

HUB = ("tests/homeserver/groups/test_hub.py",)
JOINING = ("tests/homeserver/groups/test_joining.py",)
FAILOVER = ("tests/homeserver/groups/test_failover.py",)
WELCOMES = ("tests/homeserver/groups/test_welcomes.py",)
PACKAGES = ("tests/homeserver/groups/test_key_packages.py",)
COURIER = ("tests/homeserver/groups/test_courier.py",)
ASSISTED = ("tests/homeserver/groups/test_assisted.py",)

DELIVERY_GUARDS = (
    Guard("nobody stands by for a group that is no more", "homeserver/groups/failover.py", "if standby.ended:", also=FAILOVER),
    Guard(
        "an old word of an admin is none",
        "homeserver/groups/failover.py",
        "if since < one.at <= now + CLOCK_SKEW:",
        "if True:",
        FAILOVER,
    ),
    Guard(
        "a group takes so many in a day",
        "homeserver/groups/commits.py",
        "if bundle.adds and not self._adds.take(row.id, asyncio.get_running_loop().time(), len(bundle.adds)):",
        also=HUB,
    ),
    Guard("a group that ended leaves no room for its id at once", "homeserver/groups/commits.py", "if is_going(execute, group):", also=HUB),
    Guard(
        "a hub does not tell without end",
        "homeserver/groups/service.py",
        "if not self._told.take(hub, asyncio.get_running_loop().time(), _weight(news)):",
        also=WELCOMES,
    ),
    Guard("no answer of another hub ends a link", "homeserver/groups/service.py", "if reply.ByteSize() > MAX_REPLY:", also=HUB),
    Guard("what an assisting hub follows is bounded", "homeserver/groups/assisted.py", "if len(state) > MAX_STATE:", also=ASSISTED),
    Guard(
        "a Welcome has an entry for each and no other",
        "homeserver/groups/headers.py",
        "if entries != wanted or len(set(entries)) != len(entries):",
        also=COURIER,
    ),
    Guard(
        "what waits for a domain is bounded",
        "homeserver/groups/waiting.py",
        "if any(loads[name] + size > most for name, most in bounds.items()):",
        also=COURIER,
    ),
    Guard(
        "domains that nobody has reached are few",
        "homeserver/groups/waiting.py",
        "if new and _unknown(query, own) + len(new) > MAX_UNKNOWN:",
        also=COURIER,
    ),
    Guard(
        "a Welcome goes with its last part",
        "homeserver/groups/schema.py",
        "    DELETE FROM group_parcel WHERE id = old.parcel AND NOT EXISTS (SELECT 1 FROM group_news WHERE parcel = old.parcel);\n",
        "",
        COURIER,
    ),
    Guard("one bundle wins an epoch", "homeserver/groups/commits.py", "if bundle.epoch != row.epoch:", also=ASSISTED),
    Guard(
        "the same commit has the same answer",
        "homeserver/groups/commits.py",
        "if (known := stored_entry(execute, row.id, commit_id)) is not None:",
        "if (known := None) is not None:",
        HUB,
    ),
    Guard("a token is good through its own homeserver", "homeserver/groups/commits.py", " and member.domain == asked.domain:", ":", HUB),
    Guard(
        "a commit is what its open part says",
        "homeserver/groups/commits.py",
        "if (header.group, header.epoch, header.kind) != (row.id, bundle.epoch, GroupEntryKind.GROUP_ENTRY_COMMIT):",
        also=HUB,
    ),
    Guard(
        "who joins by a link commits from outside",
        "homeserver/groups/commits.py",
        "if member is None and not header.joining:",
        also=JOINING,
    ),
    Guard(
        "who joins by a link changes nothing else",
        "homeserver/groups/commits.py",
        "if member is None and (own is None or bundle.adds or bundle.removes or bundle.join_hash != row.join_hash):",
        also=JOINING,
    ),
    Guard(
        "members of a blind group commit in private",
        "homeserver/groups/commits.py",
        "if not header.joining and header.private != (row.mode == GroupMode.GROUP_MODE_BLIND):",
        also=JOINING,
    ),
    Guard("the log is for members", "homeserver/groups/hub.py", "if member is None:", also=JOINING),
    Guard("an epoch that is over takes no message", "homeserver/groups/hub.py", "if send.epoch != row.epoch and not late:", also=HUB),
    Guard("a blind group is bounded", "homeserver/groups/commits.py", "if len(others) + len(new) > max(most, len(everybody)):", also=HUB),
    Guard(
        "nobody takes another's place",
        "homeserver/groups/commits.py",
        "if any(place.alias in taken or place.token_hash in taken for place in new):",
        also=HUB,
    ),
    Guard(
        "who commits keeps a place",
        "homeserver/groups/commits.py",
        "if member is not None and own is None and member.alias in bundle.removes:",
        also=HUB,
    ),
    Guard(
        "who has the link reads no log", "homeserver/groups/commits.py", "bundle.after if member else row.seq)", "bundle.after)", JOINING
    ),
    Guard(
        "who was removed hears of nothing later",
        "homeserver/groups/hub.py",
        "page(self._database.read, ended or row, ",
        "page(self._database.read, row, ",
        HUB,
    ),
    Guard(
        "admins follow each other",
        "identity/groups.py",
        " or (before is not None and admins.version != before.version + 1):",
        ":",
        FAILOVER,
    ),
    Guard(
        "an admin names no admins alone",
        "identity/groups.py",
        "signers = admins.keys if before is None else before.keys",
        "signers = admins.keys",
        FAILOVER,
    ),
    Guard("half of the admins move a group", "identity/groups.py", "if len(signed.signatures) < admins.needed:", also=FAILOVER),
    Guard(
        "a take-over brings the state that was signed",
        "identity/groups.py",
        "if record.state and sha256(record.state) != read.state:",
        also=FAILOVER,
    ),
    Guard(
        "a fallback waits",
        "homeserver/groups/failover.py",
        " or wait:\n",
        ":\n",
        FAILOVER,
    ),
    Guard(
        "half of the admins bring a take-over about",
        "homeserver/groups/failover.py",
        "if count < standby.admins.needed or wait:",
        "if wait:",
        FAILOVER,
    ),
    Guard(
        "what was signed an hour ago is forgotten",
        "homeserver/groups/failover.py",
        "body = ? AND at > ? ORDER BY key",
        "body = ? AND ? ORDER BY key",
        FAILOVER,
    ),
    Guard(
        "a take-over is of the next term",
        "homeserver/groups/failover.py",
        "if read.term != standby.term + 1:",
        also=FAILOVER,
    ),
    Guard(
        "a hub stands by for no group of its own",
        "homeserver/groups/failover.py",
        "if row is not None and not row.moved:\n            raise",
        "if False:\n            raise",
        FAILOVER,
    ),
    Guard(
        "a standby is of the hub that it is for",
        "homeserver/groups/failover.py",
        '"SELECT term, admins FROM group_standby WHERE mls = ? AND hub = ?"',
        "\"SELECT term, admins FROM group_standby WHERE mls = ? AND ? != ''\"",
        FAILOVER,
    ),
    Guard(
        "a record is kept without what is beside it",
        "identity/groups.py",
        "signatures=[signed[key] for key in sorted(signed)])",
        "signatures=record.signatures)",
        FAILOVER,
    ),
    Guard("admins that are there already are no change", "homeserver/groups/commits.py", "if admins == current:", also=FAILOVER),
    Guard("the old hub is fenced", "homeserver/groups/failover.py", "    if row.moved:\n", "    if False:\n", FAILOVER),
    Guard(
        "a Welcome waits for its own device",
        "homeserver/groups/welcomes.py",
        "WHERE device = ? AND id IN",
        "WHERE ? != x'' AND id IN",
        WELCOMES,
    ),
    Guard("an alias is one device's", "homeserver/groups/aliases.py", "if row is not None and row[0] != device:", also=WELCOMES),
    Guard(
        "a key package is handed out once",
        "homeserver/groups/key_packages.py",
        '"DELETE FROM key_package WHERE id = (SELECT min(id)',
        '"UPDATE key_package SET last_resort = 0 WHERE id = (SELECT min(id)',
        PACKAGES,
    ),
    Guard("I87 a proof is of its package", "homeserver/groups/key_packages.py", "if proof.ref != package.ref(suite):", also=PACKAGES),
    Guard(
        "a stranger claims no key package", "homeserver/directory.py", 'if request.right.WhichOneof("right") == "stranger":', also=PACKAGES
    ),
    Guard(
        "an assisted hub is told whom a commit adds",
        "homeserver/groups/assisted.py",
        "if added != sorted(add.ref for add in bundle.adds):",
        also=ASSISTED,
    ),
    Guard(
        "an assisted hub checks the GroupInfo",
        "homeserver/groups/assisted.py",
        "        public.check_group_info(bundle.group_info)\n",
        "",
        ASSISTED,
    ),
)
