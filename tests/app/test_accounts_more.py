"""Second factor by the RFC's own vectors, password rules, lockout, keys, separated administrators."""

from __future__ import annotations

import base64
import threading

import pytest

from jinyun.app.accounts import Accounts, TooManyAttempts, passwords, totp
from jinyun.app.accounts.factor import SecondFactorNeeded
from jinyun.app.accounts.keys import DAY, Keys
from jinyun.kernel.errors import BadInput, NotFound, NotLoggedIn, NotPermitted, Refused
from jinyun.kernel.ports import SYSTEM, Actor
from jinyun.store.database import open_database
from jinyun.store.kv import SqlKeyValue

GOOD = "a-long-enough-one"
CHIEF = Actor("chief", ("secadmin",))


class Wall:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def wall():
    return Wall()


@pytest.fixture
def kv(tmp_path):
    engine = open_database(tmp_path / "records.sqlite")
    yield SqlKeyValue(engine)
    engine.dispose()


@pytest.fixture
def accounts(kv, wall, tmp_path):
    return Accounts(kv, wall, tmp_path)


# RFC 6238, appendix B: time, algorithm, eight digits; the secrets are ASCII digits of 20, 32 and 64 bytes.
@pytest.mark.parametrize(
    ("at", "algorithm", "code"),
    [
        (59, "sha1", "94287082"), (59, "sha256", "46119246"), (59, "sha512", "90693936"),
        (1111111109, "sha1", "07081804"), (1111111109, "sha256", "68084774"), (1111111109, "sha512", "25091201"),
        (1111111111, "sha1", "14050471"), (1234567890, "sha1", "89005924"), (2000000000, "sha1", "69279037"),
        (20000000000, "sha1", "65353130"), (20000000000, "sha256", "77737706"), (20000000000, "sha512", "47863826"),
    ],
)  # fmt: skip
def test_codes_are_those_of_rfc_6238(at, algorithm, code):
    length = {"sha1": 20, "sha256": 32, "sha512": 64}[algorithm]
    secret = (b"1234567890" * 7)[:length]
    assert totp.code_at(secret, at, digits=8, algorithm=algorithm) == code


# RFC 4226, appendix D
@pytest.mark.parametrize(("counter", "code"), list(enumerate(
    ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"])))  # fmt: skip
def test_codes_are_those_of_rfc_4226(counter, code):
    assert totp.hotp(b"12345678901234567890", counter) == code


def enrolled(accounts, wall):
    accounts.create("chief", GOOD, ("secadmin",))
    told = accounts.factor.enrol("chief")
    secret = base64.b32decode(told["secret"] + "=" * (-len(told["secret"]) % 8))
    codes = accounts.factor.confirm("chief", totp.code_at(secret, wall.now))
    return secret, codes


def test_a_second_factor_is_asked_for_and_each_code_counts_once(accounts, wall, kv):
    secret, codes = enrolled(accounts, wall)
    assert secret.hex() not in str(kv.items("accounts"))  # sealed
    with pytest.raises(SecondFactorNeeded):
        accounts.log_in("chief", GOOD)
    with pytest.raises(NotLoggedIn):  # the one that confirmed it was used
        accounts.log_in("chief", GOOD, code=totp.code_at(secret, wall.now))
    wall.now += 30
    code = totp.code_at(secret, wall.now)
    assert accounts.log_in("chief", GOOD, code=code)[1].name == "chief"
    with pytest.raises(NotLoggedIn):
        accounts.log_in("chief", GOOD, code=code)
    assert accounts.log_in("chief", GOOD, code=codes[0])
    with pytest.raises(NotLoggedIn):
        accounts.log_in("chief", GOOD, code=codes[0])
    with pytest.raises(NotLoggedIn, match="name or password"):  # a wrong password says nothing of a factor
        accounts.log_in("chief", "wrong", code=codes[1])


def test_a_factor_is_removed_with_a_code_or_by_the_administrator(accounts, wall):
    _, codes = enrolled(accounts, wall)
    with pytest.raises(NotPermitted):
        accounts.factor.remove("chief", "000000")
    accounts.factor.remove("chief", codes[0])
    assert accounts.log_in("chief", GOOD)


def full_width(text):
    """As a Chinese input method types it: U+FF10 to U+FF19 for the digits."""
    return "".join(chr(ord(one) + 0xFEE0) for one in text)


def test_a_code_typed_in_full_width_is_the_same_code(accounts, wall):
    accounts.create("chief", GOOD, ("secadmin",))
    told = accounts.factor.enrol("chief")["secret"]
    secret = base64.b32decode(told + "=" * (-len(told) % 8))
    with pytest.raises(BadInput, match="code is wrong"):
        accounts.factor.confirm("chief", "一二三四五六")
    codes = accounts.factor.confirm("chief", full_width(totp.code_at(secret, wall.now)))
    wall.now += 30
    assert accounts.log_in("chief", GOOD, code=f" {full_width(totp.code_at(secret, wall.now))} ")
    assert accounts.log_in("chief", GOOD, code=full_width(codes[0].upper()))
    for wrong in ("一二三四五六", "é", "１２３"):
        with pytest.raises(NotLoggedIn):
            accounts.log_in("chief", GOOD, code=wrong)
    with pytest.raises(NotPermitted):
        accounts.factor.remove("chief", "一二三四五六")
    wall.now += 30
    accounts.factor.remove("chief", full_width(totp.code_at(secret, wall.now)))


def test_a_code_cannot_be_guessed_where_the_factor_is_removed(accounts, wall):
    _, codes = enrolled(accounts, wall)
    free = accounts.security().free_failures
    for _ in range(free):
        with pytest.raises(NotPermitted):
            accounts.factor.remove("chief", "000000", "10.0.0.9")
    with pytest.raises(TooManyAttempts):  # even the right one waits
        accounts.factor.remove("chief", codes[0], "10.0.0.9")
    assert accounts.about("chief")["second_factor"]
    with pytest.raises(TooManyAttempts):  # they are counted with those of log-ins
        accounts.log_in("chief", GOOD, "10.0.0.9", codes[0])
    accounts.factor.remove("chief")  # an administrator's needs no code
    assert not accounts.about("chief")["second_factor"]


def test_sessions_of_the_password_alone_end_when_a_factor_is_confirmed(accounts, wall):
    accounts.create("chief", GOOD, ("secadmin",))
    accounts.create("other", GOOD, ("reader",))
    mine, thief = (accounts.log_in("chief", GOOD)[0] for _ in range(2))
    provider, _ = accounts.open_session("chief", way="oidc")
    theirs, _ = accounts.log_in("other", GOOD)
    told = accounts.factor.enrol("chief")["secret"]
    secret = base64.b32decode(told + "=" * (-len(told) % 8))
    accounts.factor.confirm("chief", totp.code_at(secret, wall.now), mine)
    assert [bool(accounts.holds(one)) for one in (mine, thief, provider, theirs)] == [True, False, True, True]


def test_roles_that_must_have_a_factor_can_do_nothing_before(accounts):
    accounts.create("chief", GOOD, ("secadmin",))
    accounts.set_security({"second_factor": ["secadmin"]})
    assert accounts.log_in("chief", GOOD)[1].must == "second-factor"


def test_password_rules(accounts, wall):
    accounts.set_security({"classes": 3, "min_length": 12, "history": 2, "max_age_days": 30})
    for wrong in ("short", "onlylowercaseletters", "Officer1-is-my-name"):
        with pytest.raises(BadInput):
            accounts.create("officer1", wrong, ("officer",))
    accounts.create("officer1", "Good-Enough-1", ("officer",))
    for used in ("Good-Enough-1",):
        with pytest.raises(BadInput, match="before"):
            accounts.change_password("officer1", "Good-Enough-1", used)
    accounts.change_password("officer1", "Good-Enough-1", "Good-Enough-2")
    assert not accounts.log_in("officer1", "Good-Enough-2")[1].must_change
    wall.now += 31 * 86400
    assert accounts.log_in("officer1", "Good-Enough-2")[1].must == "password"


def test_log_ins_do_not_wait_for_somebodys_new_password(accounts, monkeypatch):
    accounts.create("worker", GOOD, ("reader",))
    accounts.create("other", GOOD, ("reader",))
    hashing, go_on, inside = threading.Event(), threading.Event(), threading.Event()
    real = passwords.hashed

    def slow(password):
        hashing.set()
        assert go_on.wait(60)
        return real(password)

    monkeypatch.setattr(passwords, "hashed", slow)
    changing = threading.Thread(target=accounts.change_password, args=("worker", GOOD, "another-long-one"))
    entering = threading.Thread(target=lambda: (accounts.log_in("other", GOOD), inside.set()))
    changing.start()
    assert hashing.wait(60)
    entering.start()
    try:
        assert inside.wait(30)
    finally:
        go_on.set()
        changing.join(60)
        entering.join(60)
    assert accounts.log_in("worker", "another-long-one")


def test_a_password_that_was_reset_meanwhile_is_not_overwritten(accounts, monkeypatch):
    accounts.create("worker", GOOD, ("reader",))
    real, given = passwords.hashed, []

    def meanwhile(password):
        monkeypatch.setattr(passwords, "hashed", real)
        given.append(accounts.reset("worker", must_change=True))
        return real(password)

    monkeypatch.setattr(passwords, "hashed", meanwhile)
    with pytest.raises(NotLoggedIn):
        accounts.change_password("worker", GOOD, "another-long-one")
    assert accounts.log_in("worker", given[0])[1].must == "password"


def test_refused_passwords_that_cost_hashing_count_as_failures(accounts):
    accounts.create("worker", GOOD, ("reader",))
    free = accounts.security().free_failures
    for _ in range(free + 1):
        with pytest.raises(BadInput, match="too short"):  # seen without hashing: nobody waits for a slip
            accounts.change_password("worker", GOOD, "short", "10.0.0.9")
    for _ in range(free):
        with pytest.raises(BadInput, match="before"):
            accounts.change_password("worker", GOOD, GOOD, "10.0.0.9")
    with pytest.raises(TooManyAttempts):
        accounts.change_password("worker", GOOD, GOOD, "10.0.0.9")


def test_a_name_is_locked_over_all_peers(accounts, wall):
    accounts.create("chief", GOOD, ("secadmin",))
    accounts.set_security({"lock_failures": 5, "lock_minutes": 10})
    for number in range(5):
        with pytest.raises(NotLoggedIn):
            accounts.log_in("chief", "wrong", f"10.0.0.{number}")
    with pytest.raises(TooManyAttempts):
        accounts.log_in("chief", GOOD, "10.0.0.99")
    wall.now += 601
    assert accounts.log_in("chief", GOOD, "10.0.0.99")


def test_an_idle_session_ends_as_set(accounts, wall):
    accounts.create("chief", GOOD, ("secadmin",))
    accounts.set_security({"idle_minutes": 10})
    token, _ = accounts.log_in("chief", GOOD)
    wall.now += 9 * 60
    assert accounts.session(token)
    wall.now += 11 * 60
    with pytest.raises(NotLoggedIn):
        accounts.session(token)


def test_a_role_taken_away_counts_at_once(accounts):
    accounts.create("worker", GOOD, ("officer",))
    token, _ = accounts.log_in("worker", GOOD)
    accounts.change("worker", {"roles": ["reader"], "jurisdictions": ["500109"]}, CHIEF)
    assert accounts.session(token).actor == Actor("worker", ("reader",), "", ("500109",), "")
    accounts.change("worker", {"disabled": True}, CHIEF)
    with pytest.raises(NotLoggedIn):
        accounts.session(token)
    with pytest.raises(NotLoggedIn):
        accounts.log_in("worker", GOOD)


def test_nobody_gives_rights_to_themselves_and_administrators_stand_alone(accounts):
    accounts.create("chief", GOOD, ("secadmin",))
    with pytest.raises(NotPermitted):
        accounts.change("chief", {"roles": ["officer"]}, CHIEF)
    for both in (
        ("sysadmin", "auditor"),
        ("secadmin", "officer"),
        ("enterprise", "reader"),
        ("system",),
        ("boss",),
        (),
    ):
        with pytest.raises(BadInput):
            accounts.create("x1", GOOD, both)
    with pytest.raises(NotPermitted):
        accounts.check_gift(["admin"], ["secadmin"])


def test_nobody_becomes_the_setup_administrator_by_its_account(accounts):
    accounts.first_password()
    accounts.create("chief", GOOD, ("secadmin",))
    second = Actor("second", ("admin",))
    for given in ({"login": "chief@provider"}, {"roles": ["reader"]}):
        with pytest.raises(NotPermitted, match="set-up"):
            accounts.change("admin", given, CHIEF)
        accounts.change("admin", given | {"roles": ["admin", "officer"]}, second)
    with pytest.raises(NotPermitted, match="set-up"):
        accounts.delete("admin", CHIEF)
    with pytest.raises(NotPermitted, match="set-up"):
        accounts.check_target("admin", CHIEF)
    for one in (second, SYSTEM, Actor("local", ("admin", "officer"))):
        accounts.check_target("admin", one)
    for one in (CHIEF, Actor("admin", ("admin", "officer"))):  # its own password is asked for at /account
        with pytest.raises(NotPermitted, match="own account"):
            accounts.check_target(one.name, one)
    for name, role in (("run", "sysadmin"), ("look", "auditor")):
        accounts.create(name, GOOD, (role,))
    accounts.separate(True)
    accounts.check_target("admin", CHIEF)  # it opens nothing any more
    accounts.delete("admin", CHIEF)


def test_separation_waits_for_the_three_and_keeps_them(accounts):
    accounts.first_password()
    with pytest.raises(Refused):
        accounts.separate(True)
    for name, role in (("run", "sysadmin"), ("chief", "secadmin"), ("look", "auditor")):
        accounts.create(name, GOOD, (role,))
    accounts.separate(True)
    assert accounts.separated()
    with pytest.raises(Refused):
        accounts.change("look", {"disabled": True}, CHIEF)
    with pytest.raises(Refused):
        accounts.delete("run", CHIEF)
    with pytest.raises(BadInput):
        accounts.set_security({"separation": False})


def test_keys_are_hashed_scoped_and_end(kv, wall):
    keys = Keys(kv, wall)
    made = keys.create("a program", "reader", by="chief", days=10, jurisdictions=["500109"])
    assert made["key"] not in str(kv.items("api_keys"))
    session = keys.session(made["key"])
    assert (session.roles, session.jurisdictions) == (("reader",), ("500109",))
    with pytest.raises(NotLoggedIn):
        keys.session(made["key"][:-1] + "x")
    wall.now += 10 * DAY
    with pytest.raises(NotLoggedIn):
        keys.session(made["key"])
    for role in ("admin", "secadmin", "auditor", "sysadmin", "system", "nobody"):
        with pytest.raises(BadInput):
            keys.create("x", role, by="chief", jurisdictions=["*"])
    with pytest.raises(BadInput):
        keys.create("x", "reader", by="chief")


# --- open log-ins -----------------------------------------------------------------------------------------------------


def test_open_log_ins_say_from_where_by_what_since_and_last_seen(accounts, wall, kv, tmp_path):
    accounts.create("chief", GOOD, ("secadmin",))
    accounts.create("other", GOOD, ("reader",))
    first, _ = accounts.log_in("chief", GOOD, "10.0.0.1", agent="Firefox")
    wall.now += 100
    second, _ = accounts.log_in("chief", GOOD, "10.0.0.2", agent="x" * 9000)
    accounts.log_in("other", GOOD, "10.0.0.3")
    wall.now += 60
    accounts.session(first)
    shown = accounts.sessions("chief", second)
    assert [(one["peer"], one["way"], one["current"]) for one in shown] == [
        ("10.0.0.1", "password", False), ("10.0.0.2", "password", True),
    ]  # fmt: skip
    at = int(wall.now) * 1_000_000
    assert (shown[0]["since"], shown[0]["seen"]) == (at - 160_000_000, at)
    assert shown[1]["seen"] == at - 60_000_000  # not seen since
    assert (shown[0]["agent"], len(shown[1]["agent"])) == ("Firefox", 300)
    assert {one["name"] for one in accounts.sessions()} == {"chief", "other"}
    for token in (first, second):
        assert token not in str(shown)
        assert token not in str(kv.items("sessions"))
    again = Accounts(kv, wall, tmp_path)  # after a restart they are still known
    assert {one["peer"] for one in again.sessions("chief")} == {"10.0.0.1", "10.0.0.2"}


def test_a_log_in_is_ended_by_its_id_and_by_nobody_elses(accounts):
    accounts.create("chief", GOOD, ("secadmin",))
    accounts.create("other", GOOD, ("reader",))
    mine, _ = accounts.log_in("chief", GOOD)
    theirs, _ = accounts.log_in("other", GOOD)
    (id,) = [one["id"] for one in accounts.sessions("other")]
    with pytest.raises(NotFound):
        accounts.end_session(id, "chief")
    assert accounts.holds(theirs)
    assert accounts.end_session(id) == "other"
    assert not accounts.holds(theirs)
    with pytest.raises(NotLoggedIn):
        accounts.session(theirs)
    with pytest.raises(NotFound):
        accounts.end_session(id)
    more = [accounts.log_in("chief", GOOD)[0] for _ in range(3)]
    assert accounts.end_sessions("chief", but=mine) == 3
    assert accounts.holds(mine)
    assert not any(accounts.holds(one) for one in more)


def test_a_log_in_of_before_this_was_kept_says_what_is_known(accounts, kv, wall, tmp_path):
    accounts.create("chief", GOOD, ("secadmin",))
    kv.set("sessions", "a" * 64, {"name": "chief", "roles": ["secadmin"], "expires": int(wall.now) + 60})
    (one,) = Accounts(kv, wall, tmp_path).sessions("chief")
    assert (one["since"], one["seen"], one["peer"], one["agent"]) == (None, None, "", "")
