"""Soil 土壤: construction land by GB 36600-2018, farmland by GB 15618-2018, and the risk states of plots."""

from jinyun.kernel.declare import Domain

DOMAIN = Domain(id="soil", zh="土壤", en="Soil", maturity="done")
