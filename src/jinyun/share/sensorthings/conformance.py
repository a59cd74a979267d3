"""Requirements of OGC 18-088 that this service meets, as its landing page lists them."""

from __future__ import annotations

_REQ = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
CONFORMANCE: tuple[str, ...] = tuple(
    _REQ + one
    for one in (
        "datamodel",
        "datamodel/thing/properties",
        "datamodel/thing/relations",
        "datamodel/location/properties",
        "datamodel/location/relations",
        "datamodel/historical-location/properties",
        "datamodel/historical-location/relations",
        "datamodel/datastream/properties",
        "datamodel/datastream/relations",
        "datamodel/sensor/properties",
        "datamodel/sensor/relations",
        "datamodel/observed-property/properties",
        "datamodel/observed-property/relations",
        "datamodel/observation/properties",
        "datamodel/observation/relations",
        "datamodel/feature-of-interest/properties",
        "datamodel/feature-of-interest/relations",
        "datamodel/entity-control-information/common-control-information",
        "resource-path/resource-path-to-entities",
        "request-data/order",
        "request-data/expand",
        "request-data/select",
        "request-data/orderby",
        "request-data/skip",
        "request-data/top",
        "request-data/filter",
        "request-data/built-in-filter-operations",
        "request-data/built-in-query-functions",
        "request-data/count",
        "request-data/pagination",
        "request-data/status-code",
        "request-data/query-status-code",
        "data-array/data-array",
    )
)
