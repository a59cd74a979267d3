"""Which action each call is: looked up at every request; a route that is not here is refused, and a test names it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

PUBLIC = "public"
"""Needs no log-in."""

_TABLE = """
POST   /api/session                                    public
GET    /api/session                                    session.own
DELETE /api/session                                    session.own
GET    /api/health                                     public
GET    /api/basemap/{name}                             public
GET    /metrics                                        metrics.read
GET    /api/session/oidc                               public
GET    /api/session/oidc/start                         public
GET    /api/session/oidc/callback                      public
POST   /api/account/password                           session.own
GET    /api/account                                    session.own
POST   /api/account/totp                               session.own
POST   /api/account/totp/confirm                       session.own
POST   /api/account/totp/remove                        session.own
GET    /api/account/sessions                           session.own
DELETE /api/account/sessions                           session.own
DELETE /api/account/sessions/{id}                      session.own
GET    /api/sessions                                   session.end
DELETE /api/sessions/{id}                              session.end
DELETE /api/accounts/{name}/sessions                   session.end
GET    /api/roles                                      session.own
GET    /api/accounts                                   account.read
POST   /api/accounts                                   account.write
GET    /api/accounts/{name}                            account.read
PATCH  /api/accounts/{name}                            account.write
DELETE /api/accounts/{name}                            account.write
POST   /api/accounts/{name}/reset                      account.write
POST   /api/accounts/{name}/totp/remove                account.write
GET    /api/keys                                       account.read
POST   /api/keys                                       account.write
DELETE /api/keys/{id}                                  account.write
GET    /api/security                                   account.read
PATCH  /api/security                                   account.write
POST   /api/security/separation                        account.write
GET    /api/audit                                      audit.read
GET    /api/audit/verify                               audit.read
GET    /api/overview                                   duty.read
GET    /api/search                                     register.read
GET    /api/events                                     duty.read
GET    /api/sites                                      site.read
GET    /api/sites/{site}                               site.read
GET    /api/sites/{site}/series                        site.read
GET    /api/sites/{site}/verdicts                      site.read
GET    /api/sites/{site}/windows                       site.read
GET    /api/verdicts/{verdict}                         site.read
GET    /api/verdicts/{verdict}/why                     site.read
GET    /api/readings/why                               site.read
GET    /api/alarms                                     matter.read
GET    /api/alarms/{alarm}                             matter.read
GET    /api/alarms/{alarm}/why                         matter.read
GET    /api/cases                                      matter.read
POST   /api/cases                                      register.write
GET    /api/cases/{case}                               matter.read
GET    /api/cases/{case}/units                         matter.read
POST   /api/cases/{case}/tasks                         register.write
POST   /api/cases/{case}/merge                         register.write
POST   /api/cases/{case}/split                         register.write
POST   /api/cases/{case}/cite                          register.step
POST   /api/cases/{case}/contest                       register.step
POST   /api/cases/{case}/contest/answer                register.step
POST   /api/cases/{case}/hand-over                     register.write
GET    /api/evaluation                                 matter.read
GET    /api/works                                      register.read
GET    /api/works/{project}                            register.read
GET    /api/rectifications                             register.read
GET    /api/rectifications/{item}                      register.read
GET    /api/complaints/same                            register.read
GET    /api/cases/{case}/why                           matter.read
GET    /api/types                                      register.read
GET    /api/types/{type_id}                            register.read
GET    /api/records/{type_id}                          register.read
POST   /api/records/{type_id}                          register.write
POST   /api/records/{type_id}/load                     register.write
GET    /api/records/{type_id}/{record}                 register.read
PATCH  /api/records/{type_id}/{record}                 register.write
DELETE /api/records/{type_id}/{record}                 register.write
GET    /api/records/{type_id}/{record}/history         register.read
GET    /api/records/{type_id}/{record}/steps           register.read
POST   /api/records/{type_id}/{record}/move            register.write
POST   /api/records/{type_id}/{record}/steps/{step}    register.step
GET    /api/registers/{type_id}/template               register.read
GET    /api/registers/{type_id}/export                 register.read
POST   /api/registers/{type_id}/import                 register.write
POST   /api/registers/{type_id}/import/accept          register.write
GET    /api/registers/{type_id}/import/refused         register.write
GET    /api/registers/{type_id}/views                  register.read
POST   /api/registers/{type_id}/views                  register.read
DELETE /api/registers/{type_id}/views/{view}           register.read
POST   /api/attachments                                attachment.write
GET    /api/attachments/{id}                           attachment.read
GET    /api/attachments/{id}/about                     attachment.read
GET    /field                                          public
GET    /api/field/day                                  field.use
POST   /api/field/edits                                field.use
GET    /api/field/edits                                field.use
POST   /api/field/uploads                              attachment.write
GET    /api/field/uploads/{upload}                     attachment.write
PATCH  /api/field/uploads/{upload}                     attachment.write
GET    /api/notices                                    notice.own
GET    /api/notices/unread                             notice.own
POST   /api/notices/read                               notice.own
POST   /api/notices/{id}/acknowledge                   notice.own
GET    /api/notices/wishes                             notice.own
PUT    /api/notices/wishes                             notice.own
POST   /api/notices/channels                           notice.own
PATCH  /api/notices/channels/{id}                      notice.own
DELETE /api/notices/channels/{id}                      notice.own
POST   /api/notices/channels/{id}/test                 notice.own
GET    /api/notices/outbox                             notice.admin
POST   /api/notices/outbox/again                       notice.admin
GET    /api/links                                      link.read
GET    /api/links/{mn}                                 link.read
GET    /api/links/{mn}/commands                        link.read
POST   /api/links/{mn}/commands                        link.command
POST   /api/links/{mn}/register                        link.register
GET    /api/commands                                   link.read
GET    /api/periods                                    period.read
GET    /api/periods/{subject}                          period.read
GET    /api/periods/{subject}/days                     period.read
GET    /api/periods/{subject}/months                   period.read
GET    /api/periods/{subject}/ranking                  period.read
GET    /api/reports/{medium}                           report.make
GET    /api/reports/{medium}/fields                    report.make
POST   /api/reports/{medium}/filled                    report.make
POST   /api/editions/what-if                           edition.run
POST   /api/editions/rejudge                           edition.run
GET    /api/editions/what-if                           edition.read
GET    /api/editions/what-if/{job}                     edition.read
DELETE /api/editions/what-if/{job}                     edition.run
GET    /api/corrections                                correction.read
GET    /api/corrections/reasons                        correction.read
POST   /api/corrections                                correction.write
GET    /api/corrections/{session}                      correction.read
PATCH  /api/corrections/{session}                      correction.write
POST   /api/corrections/{session}/preview              correction.write
POST   /api/corrections/{session}/accept               correction.write
POST   /api/corrections/{session}/drop                 correction.write
GET    /api/figures                                    figure.read
POST   /api/figures                                    figure.publish
GET    /api/figures/differences                        figure.compare
GET    /api/figures/bundle                             figure.publish
GET    /api/figures/key                                figure.read
POST   /api/figures/dependents                         figure.read
GET    /api/figures/{figure}                           figure.read
POST   /api/figures/{figure}/withdraw                  figure.publish
GET    /api/imports                                    import.read
POST   /api/imports                                    import.write
GET    /api/imports/{id}                               import.read
POST   /api/imports/{id}/accept                        import.write
POST   /api/imports/{id}/drop                          import.write
GET    /api/imports/{id}/errors.csv                    import.read
GET    /api/catalogue/series                           catalogue.read
GET    /api/catalogue/series/{series}                  catalogue.read
GET    /api/catalogue/series/{series}/gaps             catalogue.read
GET    /api/catalogue/gaps                             catalogue.read
GET    /api/catalogue/datasets                         catalogue.read
GET    /api/care                                       care.read
GET    /api/care/holds                                 care.holds
GET    /api/care/dropped                               care.read
POST   /api/care/backups                               care.run
POST   /api/care/verify                                care.run
GET    /api/care/jobs/{number}                         care.run
GET    /api/system                                     system.read
GET    /api/rejects                                    reject.read
GET    /api/factors                                    factor.read
GET    /sta/v1.1                                       sta.read
POST   /sta/v1.1                                       sta.write
PUT    /sta/v1.1                                       sta.write
PATCH  /sta/v1.1                                       sta.write
DELETE /sta/v1.1                                       sta.write
GET    /sta/v1.1/{path:path}                           sta.read
POST   /sta/v1.1/{path:path}                           sta.write
PUT    /sta/v1.1/{path:path}                           sta.write
PATCH  /sta/v1.1/{path:path}                           sta.write
DELETE /sta/v1.1/{path:path}                           sta.write
GET    /api/export/readings                            export.readings
GET    /api/export/windows                             export.readings
"""

CALLS: dict[tuple[str, str], str] = {
    (method, path): action for method, path, action in (line.split() for line in _TABLE.strip().splitlines())
}
"""(method, path of the route) -> action of ``domains/people/tables/actions.csv``, or `PUBLIC`."""


def calls_of(routers: Iterable[Any]) -> Iterator[tuple[str, str]]:
    """(method, path) of every route of the routers."""
    for router in routers:
        for route in router.routes:
            for method in sorted(route.methods - {"HEAD"}):
                yield method, route.path


def undeclared(routers: Iterable[Any]) -> list[str]:
    """Routes without an action; nobody may call them."""
    return [f"{method} {path}" for method, path in calls_of(routers) if (method, path) not in CALLS]
