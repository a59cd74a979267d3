"""Log-in: hashes only, tokens that nobody else can make, back-off, twelve sliding hours."""

import hashlib

import pytest

from jinyun.app.accounts import SESSION_SECONDS, Accounts, TooManyAttempts, check_csrf
from jinyun.kernel.errors import BadInput, NotFound, NotLoggedIn, NotPermitted
from jinyun.store.database import open_database
from jinyun.store.kv import SqlKeyValue


class Wall:
    def __init__(self):
        self.now = 1_800_000_000.0

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
def accounts(kv, wall):
    return Accounts(kv, wall)


def test_a_node_hashes_by_the_advice_of_rfc_9106(quick_hashes):
    """Its second recommended option: 64 MiB, three passes, four lanes."""
    hasher = quick_hashes()
    assert (hasher.memory_cost, hasher.time_cost, hasher.parallelism) == (64 * 1024, 3, 4)
    assert hasher.hash("x").startswith("$argon2id$")


def test_first_start_makes_one_password_and_no_default(accounts, kv):
    password = accounts.first_password()
    assert len(password) >= 16
    assert accounts.first_password() is None  # shown once
    kept = str(kv.items("accounts"))
    assert password not in kept
    assert "$argon2id$" in kept
    assert accounts.log_in("admin", password)[1].name == "admin"


def test_two_first_starts_differ(tmp_path):
    def fresh(name):
        return Accounts(SqlKeyValue(open_database(tmp_path / name))).first_password()

    assert fresh("a.sqlite") != fresh("b.sqlite")


def test_session_holds_and_slides_then_ends(accounts, wall):
    token, session = accounts.log_in("admin", accounts.first_password())
    assert session.roles == ("admin", "officer")
    wall.now += SESSION_SECONDS - 60
    assert accounts.session(token).name == "admin"  # prolonged by use
    wall.now += SESSION_SECONDS - 60
    assert accounts.session(token).name == "admin"
    wall.now += SESSION_SECONDS + 1
    with pytest.raises(NotLoggedIn):
        accounts.session(token)


def test_session_outlives_a_restart_and_only_its_hash_is_kept(kv, accounts, wall):
    token, _ = accounts.log_in("admin", accounts.first_password())
    assert len(token) >= 43  # 256 bits in base64
    assert token not in str(kv.items("sessions"))
    assert hashlib.sha256(token.encode()).hexdigest() in kv.items("sessions")
    assert Accounts(kv, wall).session(token).name == "admin"


def test_log_out_ends_it_for_good(kv, accounts, wall):
    token, _ = accounts.log_in("admin", accounts.first_password())
    accounts.log_out(token)
    for one in (accounts, Accounts(kv, wall)):
        with pytest.raises(NotLoggedIn):
            one.session(token)


@pytest.mark.parametrize("token", [None, "", "guess", "Ä" * 43])
def test_a_guessed_token_is_refused(accounts, token):
    accounts.first_password()
    with pytest.raises(NotLoggedIn):
        accounts.session(token)


def test_wrong_password_and_unknown_name_say_the_same(accounts):
    accounts.first_password()
    said = set()
    for name in ("admin", "nobody"):
        with pytest.raises(NotLoggedIn) as refused:
            accounts.log_in(name, "wrong")
        said.add(str(refused.value))
    assert len(said) == 1


def test_failures_make_waiting_longer_and_longer_then_forgiven(accounts, wall):
    password = accounts.first_password()
    waits = []
    for _ in range(9):
        try:
            accounts.log_in("admin", "wrong", "10.0.0.9")
        except TooManyAttempts as wait:
            waits.append(wait.wait)
            wall.now += wait.wait
            with pytest.raises(NotLoggedIn):
                accounts.log_in("admin", "wrong", "10.0.0.9")
        except NotLoggedIn:
            pass
    assert waits == sorted(waits)
    assert waits[-1] > waits[0] >= 1
    with pytest.raises(TooManyAttempts):  # even the right password waits
        accounts.log_in("admin", password, "10.0.0.9")
    assert accounts.log_in("admin", password, "10.0.0.10")[1].name == "admin"  # another place is not locked out
    wall.now += 4 * 3600
    assert accounts.log_in("admin", password, "10.0.0.9")[1].name == "admin"


def test_many_names_from_one_place_are_slowed_down(accounts, monkeypatch):
    monkeypatch.setattr("jinyun.app.accounts.failures.PEER_FAILURES", 4)
    accounts.first_password()
    said = set()
    for number in range(8):
        try:
            accounts.log_in(f"user{number}", "wrong", "10.0.0.7")
        except (NotLoggedIn, TooManyAttempts) as refused:
            said.add(type(refused))
    assert said == {NotLoggedIn, TooManyAttempts}


def test_reset_gives_another_password_and_ends_sessions(accounts):
    old = accounts.first_password()
    token, _ = accounts.log_in("admin", old)
    new = accounts.reset("admin")
    assert new != old
    with pytest.raises(NotLoggedIn):
        accounts.session(token)
    with pytest.raises(NotLoggedIn):
        accounts.log_in("admin", old)
    assert accounts.log_in("admin", new)[1].name == "admin"


def test_reset_of_an_unknown_name_says_which_was_meant(accounts):
    accounts.first_password()
    with pytest.raises(NotFound, match="did you mean 'admin'"):
        accounts.reset("admim")


def test_csrf_belongs_to_one_session(accounts):
    password = accounts.first_password()
    _, one = accounts.log_in("admin", password)
    _, other = accounts.log_in("admin", password)
    assert one.csrf != other.csrf
    check_csrf(one, one.csrf)
    for wrong in (None, "", other.csrf, "é"):
        with pytest.raises(NotPermitted):
            check_csrf(one, wrong)


@pytest.mark.parametrize("name", ["", "A B", "x", "admin'--", "管理员", "a" * 40])
def test_account_names_are_plain(accounts, name):
    with pytest.raises(BadInput):
        accounts.create(name)


def test_short_passwords_are_refused(accounts):
    with pytest.raises(BadInput, match="at least 10"):
        accounts.create("officer1", "short")
