"""Defaults, then the file, then the command line; a wrong key is named."""

import pytest

from jinyun.app.settings import Settings
from jinyun.kernel.errors import BadInput


def test_order_of_sources(tmp_path):
    (tmp_path / "jinyun.toml").write_text('http_port = 9000\nseal_every_s = 60\njurisdiction_name = "北碚区"\n')
    settings = Settings.load(tmp_path, http_port=9100, hj212_port=None)
    assert (settings.http_port, settings.hj212_port, settings.seal_every_s) == (9100, 9212, 60.0)
    assert settings.jurisdiction_name == "北碚区"


@pytest.mark.parametrize(
    ("text", "said"), [("htp_port = 1\n", "unknown setting 'htp_port'"), ('http_port = "x"\n', "http_port must be int")]
)
def test_wrong_file_is_named(tmp_path, text, said):
    (tmp_path / "jinyun.toml").write_text(text)
    with pytest.raises(BadInput, match=said):
        Settings.load(tmp_path)
