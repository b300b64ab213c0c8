"""The Grafana dashboards of deploy/grafana, built with Grafana's own types: what a panel shows stands here, once.

`make docs` writes them. Every query has an answer on a host that is well, too: a panel without data looks like a broken one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
)
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    DataTransformerConfig,
    DynamicConfigValue,
    GridPos,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
    VariableSort,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

WIDTH = 24  # columns of Grafana's grid
HIGH = {"number": 4, "lines": 8, "rows": 8}
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
HOST, FLEET = "foretell-host", "foretell-fleet"
#: colours of a number from these values on
Steps = Sequence[tuple[float | None, str]]
NONE_IS_WELL: Steps = ((None, "green"), (1, "orange"))
ANY_IS_BAD: Steps = ((None, "green"), (1, "red"))
PLAIN: Steps = ((None, "text"),)


class Panel(NamedTuple):
    """What one panel shows. number: the newest value; lines: over time; rows: a table of the newest values, by label.

    legend: what tells the series apart, in Grafana's words; for rows, the labels that are columns, in their order.
    unit: Grafana's name of it. says: what the reader should know.
    """

    kind: Literal["number", "lines", "rows"]
    title: str
    expr: str
    unit: str = "short"
    legend: str = ""
    width: int = 6
    steps: Steps = PLAIN
    says: str = ""


class Row(NamedTuple):
    """Panels under a title."""

    title: str
    panels: Sequence[Panel]


ON_HOST: Sequence[Row] = (
    Row(
        "Now",
        (
            Panel(
                "number",
                "Reports",
                'up{job="foretell",instance="$instance"}',
                steps=((None, "red"), (1, "green")),
                width=3,
            ),
            Panel(
                "number",
                "Next cycle",
                'foretell_next_cycle_timestamp_seconds{instance="$instance"} - time()',
                "s",
                width=3,
                steps=((None, "red"), (-300, "green")),
                says="Until the next look at the host; far below zero, the agent judges nothing any more.",
            ),
            Panel(
                "number",
                "Findings",
                'sum(foretell_findings{instance="$instance",severity!="notice"})',
                steps=NONE_IS_WELL,
                width=3,
            ),
            Panel(
                "number",
                "Open cases",
                'sum(foretell_cases{instance="$instance",state!="pending"})',
                steps=NONE_IS_WELL,
                width=3,
            ),
            Panel(
                "number",
                "Could not be checked",
                'sum(foretell_unchecked{instance="$instance"}) + sum(foretell_collector_success{instance="$instance"} == bool 0)',
                steps=NONE_IS_WELL,
                width=3,
                says="Unknown is not healthy.",
            ),
            Panel(
                "number",
                "Waits for a desk",
                'max(foretell_desk_oldest_seconds{instance="$instance"})',
                "s",
                steps=((None, "green"), (3600, "orange")),
                width=3,
            ),
            Panel(
                "number",
                "Modes of trouble",
                'sum(foretell_degraded{instance="$instance"}) or vector(0)',
                steps=ANY_IS_BAD,
                width=3,
            ),
            Panel(
                "number",
                "Runs since",
                'foretell_start_timestamp_seconds{instance="$instance"} * 1000',
                "dateTimeFromNow",
                width=3,
            ),
        ),
    ),
    Row(
        "What is coming",
        (
            Panel(
                "rows",
                "Limits that may be reached",
                'sort(foretell_forecast_crossing_timestamp_seconds{instance="$instance"} - time())',
                "s",
                "rule,subject",
                width=12,
                steps=((None, "red"), (2 * 86_400, "orange"), (7 * 86_400, "green")),
                says="The earliest time; the ticket has the likely one.",
            ),
            Panel("lines", "Cases", 'foretell_cases{instance="$instance"}', legend="{{state}}", width=6),
            Panel(
                "rows",
                "Next promise due",
                'foretell_sla_due_timestamp_seconds{instance="$instance"} - time()',
                "s",
                "promised",
                width=6,
                steps=((None, "red"), (3600, "orange"), (4 * 3600, "green")),
            ),
        ),
    ),
    Row(
        "The host",
        (
            Panel(
                "lines",
                "Disk space in use",
                '1 - foretell_filesystem_avail_bytes{instance="$instance"}'
                ' / foretell_filesystem_size_bytes{instance="$instance"}',
                "percentunit",
                "{{mountpoint}}",
                width=12,
            ),
            Panel(
                "lines",
                "Processor in use",
                'foretell_cpu_utilization_ratio{instance="$instance"}',
                "percentunit",
                "in use",
            ),
            Panel(
                "lines",
                "Memory available",
                'foretell_memory_available_bytes{instance="$instance"}',
                "bytes",
                "available",
            ),
        ),
    ),
    Row(
        "The agent",
        (
            Panel(
                "lines",
                "Time of a collector's run",
                'foretell_collector_duration_seconds{instance="$instance"}',
                "s",
                "{{collector}}",
                width=8,
            ),
            Panel(
                "lines",
                "Batches at desks",
                'sum by (desk, outcome) (increase(foretell_desk_requests_total{instance="$instance"}[$__rate_interval]))',
                legend="{{desk}}: {{outcome}}",
                width=8,
            ),
            Panel(
                "lines",
                "In the outbox",
                'foretell_desk_operations{instance="$instance"}',
                legend="{{desk}}: {{state}}",
                width=8,
            ),
        ),
    ),
)

ON_FLEET: Sequence[Row] = (
    Row(
        "Now",
        (
            Panel("number", "Hosts", 'sum(site:foretell_hosts:count{site=~"$site"})', width=4),
            Panel(
                "number",
                "Silent hosts",
                'sum(site:foretell_hosts_silent:sum{site=~"$site"}) or vector(0)',
                steps=ANY_IS_BAD,
                width=4,
                says="No answer for ten minutes: nothing on them is being watched.",
            ),
            Panel(
                "number",
                "Open cases",
                'sum(site_state:foretell_cases:sum{site=~"$site",state!="pending"})',
                steps=NONE_IS_WELL,
                width=4,
            ),
            Panel(
                "number",
                "May reach a limit within a week",
                'sum(site_rule:foretell_crossings_7d:count{site=~"$site"}) or vector(0)',
                steps=NONE_IS_WELL,
                width=4,
            ),
            Panel(
                "number",
                "Could not be checked",
                'sum(site:foretell_unchecked:sum{site=~"$site"})',
                steps=NONE_IS_WELL,
                width=4,
            ),
            Panel(
                "number",
                "Promises kept",
                'sum(foretell_sla_promises_total{site=~"$site",kept="met"})'
                ' / sum(foretell_sla_promises_total{site=~"$site"}) or vector(1)',
                "percentunit",
                width=4,
                says="Of all service levels that were promised since the records began.",
            ),
        ),
    ),
    Row(
        "What is coming",
        (
            Panel(
                "rows",
                "Next limits to be reached",
                'bottomk(20, foretell_forecast_crossing_timestamp_seconds{site=~"$site"} - time())',
                "s",
                "site,instance,rule,subject",
                width=12,
                steps=((None, "red"), (2 * 86_400, "orange"), (7 * 86_400, "green")),
            ),
            Panel(
                "lines",
                "Findings",
                'sum by (severity) (site_severity:foretell_findings:sum{site=~"$site"})',
                legend="{{severity}}",
            ),
            Panel(
                "lines",
                "Open cases by site",
                'sum by (site) (site_state:foretell_cases:sum{site=~"$site",state!="pending"})',
                legend="{{site}}",
            ),
        ),
    ),
    Row(
        "Sites",
        (
            Panel("lines", "Hosts", 'site:foretell_hosts:count{site=~"$site"}', legend="{{site}}", width=8),
            Panel(
                "lines",
                "Silent hosts",
                'site:foretell_hosts_silent:sum{site=~"$site"}',
                legend="{{site}}",
                width=8,
            ),
            Panel(
                "rows",
                "Silent now",
                'sort_desc(instance:foretell_silent:bool10m{site=~"$site"}) >= 0',
                legend="site,instance",
                width=8,
                steps=ANY_IS_BAD,
                says="1 for a host that is silent.",
            ),
        ),
    ),
    Row(
        "Agents",
        (
            Panel("rows", "Versions", 'count by (version) (foretell_build_info{site=~"$site"})', legend="version"),
            Panel(
                "rows",
                "Longest waits for a desk",
                'topk(10, foretell_desk_oldest_seconds{site=~"$site"})',
                "s",
                "site,instance,desk",
                steps=((None, "green"), (3600, "orange")),
            ),
            Panel(
                "rows",
                "Not all could be read",
                'topk(10, foretell_unchecked{site=~"$site"})',
                legend="site,instance,collector",
                steps=NONE_IS_WELL,
            ),
            Panel(
                "lines",
                "Time that a cycle takes at most",
                'label_replace(quantile(0.5, foretell_cycle_duration_seconds{site=~"$site"}), "of", "half", "", "")'
                ' or label_replace(quantile(0.99, foretell_cycle_duration_seconds{site=~"$site"}), "of", "99 of 100", "", "")',
                "s",
                "{{of}}",
            ),
        ),
    ),
    Row(
        "Relays",
        (
            Panel(
                "number",
                "Relays that answer",
                'sum(up{job="foretell-relay"})',
                steps=((None, "red"), (1, "green")),
                width=3,
            ),
            Panel(
                "number",
                "Desk usable",
                "max(foretell_relay_desk_reachable)",
                steps=((None, "red"), (1, "green")),
                width=3,
                says="1 while a relay is served by the desk; without, nothing becomes a ticket.",
            ),
            Panel(
                "lines",
                "Notifications",
                "sum by (outcome) (increase(foretell_relay_notifications_total[$__rate_interval]))",
                legend="{{outcome}}",
            ),
            Panel(
                "lines",
                "What was done",
                "sum by (deed) (increase(foretell_relay_deeds_total[$__rate_interval]))",
                legend="{{deed}}",
            ),
            Panel(
                "lines",
                "Time of a notification: 99 of 100 take at most",
                "histogram_quantile(0.99, sum by (le) (rate(foretell_relay_notification_seconds_bucket[$__rate_interval])))",
                "s",
                "at most",
            ),
        ),
    ),
)


def dashboards() -> dict[str, str]:
    """Return the JSON of each dashboard by its name."""
    instance = _variable("instance", "Host", "label_values(foretell_build_info, instance)")
    site = (
        _variable("site", "Site", 'label_values(up{job="foretell"}, site)')
        .include_all(include_all=True)
        .multi(multi=True)
        .all_value(".*")
    )
    return {
        HOST: _built("Foretell: one host", HOST, instance, ON_HOST, other=FLEET),
        FLEET: _built("Foretell: the fleet", FLEET, site, ON_FLEET, other=HOST),
    }


def _built(title: str, uid: str, variable: dashboard.QueryVariable, rows: Iterable[Row], *, other: str) -> str:
    source = dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
    link = (
        dashboard.DashboardLink("The fleet" if other == FLEET else "One host")
        .type(DashboardLinkType.LINK)
        .url(f"/d/{other}")
        .keep_time(keep_time=True)
    )
    board = (
        dashboard.Dashboard(title)
        .uid(uid)
        .tags(["foretell"])
        .editable()
        .refresh("1m")
        .time("now-24h", "now")
        .timezone("browser")
        .link(link)
        .with_variable(source)
        .with_variable(variable)
    )
    top = 0
    for row in rows:
        board.with_row(dashboard.Row(row.title).grid_pos(GridPos(h=1, w=WIDTH, x=0, y=top)))
        left, top = 0, top + 1
        for panel in row.panels:
            at = GridPos(h=HIGH[panel.kind], w=panel.width, x=left, y=top)
            board.with_panel(_panel(panel).grid_pos(at))
            left += panel.width
        top += max(HIGH[panel.kind] for panel in row.panels)
    return (
        json.dumps(_numbered(json.loads(json.dumps(board.build(), cls=JSONEncoder))), indent=2, sort_keys=True) + "\n"
    )


def _numbered(board: dict[str, object]) -> dict[str, object]:
    """Return a dashboard whose panels have ids, by which links and alerts name them."""
    panels = board["panels"]
    assert isinstance(panels, list)  # noqa: S101 - Grafana's own type says so
    return board | {"panels": [panel | {"id": number} for number, panel in enumerate(panels, 1)]}


def _panel(panel: Panel) -> timeseries.Panel | stat.Panel | table.Panel:
    query = prometheus.Dataquery().expr(panel.expr).ref_id("A").datasource(SOURCE)
    steps = dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps([Threshold(*step) for step in panel.steps])
    shown: timeseries.Panel | stat.Panel | table.Panel
    if panel.kind == "number":
        newest = common.ReduceDataOptions().calcs(["lastNotNull"])
        shown = (
            stat.Panel().color_mode(BigValueColorMode.VALUE).graph_mode(BigValueGraphMode.NONE).reduce_options(newest)
        )
        shown = shown.with_target(query.instant())
    elif panel.kind == "lines":
        legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
        shown = (
            timeseries.Panel()
            .legend(legend.show_legend(show_legend=True))
            .min(0)
            .with_target(query.range().legend_format(panel.legend))
        )
    else:
        shown = _rows(panel.legend.split(",")).with_target(query.instant().format(PromQueryFormat.TABLE))
    return shown.title(panel.title).description(panel.says).datasource(SOURCE).unit(panel.unit).thresholds(steps)


def _rows(labels: Sequence[str]) -> table.Panel:
    """Return a table with a column for each of `labels`, and the coloured value last."""
    columns = [*labels, "Value"]
    organize = DataTransformerConfig(
        id_val="organize", options={"indexByName": {name: at for at, name in enumerate(columns)}}
    )
    only = DataTransformerConfig(id_val="filterFieldsByName", options={"include": {"names": columns}})
    coloured = [DynamicConfigValue(id_val="custom.cellOptions", value={"type": "color-text"})]
    return table.Panel().with_transformation(only).with_transformation(organize).override_by_name("Value", coloured)


def _variable(name: str, label: str, query: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .query(query)
        .datasource(SOURCE)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )
