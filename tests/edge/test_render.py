from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import certificates, geo, render
from edge.render import Address, CellEdge, Embedded, Front, MediaOrigin, Process, Tls, UnsafeValueError
from local.processes import nginx
from local.processes.program import PreparationError
from regions.catalogue import CATALOGUE
from services.contracts.routes import COUNTRY_HEADER, HOP_HEADER, IDENTITY_HEADERS


def test_the_form_for_a_region_passes_nginx_and_knows_only_its_own_cell(tmp_path: Path) -> None:
    for region in CATALOGUE.regions:
        text = render.cell(
            CellEdge(
                cell=region.name,
                listen="8080",
                gateway=(Address("127.0.0.1", 8000),),
                realtime=(Address("127.0.0.1", 8001),),
                trusted=("10.16.0.0/16",),
            )
        )
        nginx.prepare(tmp_path / region.name, text)
        assert not [other for other in CATALOGUE.names if other != region.name and other in text]
        assert "proxy_cache" not in text
        for header in (*IDENTITY_HEADERS, COUNTRY_HEADER):
            assert f'proxy_set_header {header} "";' in text
        assert f'proxy_set_header {HOP_HEADER} "{region.name}";' in text


@pytest.mark.parametrize("count", range(1, len(CATALOGUE.names) + 1))
def test_the_embedded_forms_pass_nginx_for_any_number_of_cells(tmp_path: Path, count: int) -> None:
    cells = CATALOGUE.names[:count]
    files = certificates.ensure(tmp_path / "tls")
    tls = Tls(files.chain, files.key)
    for index, cell in enumerate(cells):
        edge = CellEdge(
            cell=cell,
            listen=f"127.0.0.1:{20_001 + index}",
            gateway=(Address("127.0.0.1", 1),),
            realtime=(Address("127.0.0.1", 2), Address("127.0.0.1", 3)),
            trusted=("127.0.0.2/32",),
            embedded=Embedded(
                tls_port=20_101 + index,
                tls=tls,
                media=MediaOrigin(Address("127.0.0.1", 4), tuple(f"media-{name}" for name in cells)),
                page=tmp_path,
                s3_origin="https://localhost:5",
            ),
        )
        nginx.prepare(tmp_path / cell, render.cell(edge, Process(workers=2)))
    door = Front(
        listen="127.0.0.1:20200",
        tls=tls,
        geography=geo.geography(cells),
        cells={cell: Address("127.0.0.1", 20_001 + index) for index, cell in enumerate(cells)},
        s3_listen="127.0.0.1:20201",
        s3=Address("127.0.0.1", 4),
        origins=("https://localhost:20200",),
        source="127.0.0.2",
        script=render.SCRIPT,
    )
    nginx.prepare(tmp_path / "front", render.front(door))


def test_a_configuration_that_nginx_refuses_is_reported_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(PreparationError, match=r"unknown directive .*nginx.conf:1"):
        nginx.prepare(tmp_path, "nonsense on;\n")


@given(st.text())
def test_a_value_is_quoted_so_that_nginx_reads_it_literally_or_refused(text: str) -> None:
    special = any(character in '"\\$' or ord(character) < 32 for character in text)
    if special:
        with pytest.raises(UnsafeValueError):
            render.quoted(text)
    else:
        assert render.quoted(text) == f'"{text}"'
