// What Grafana's published types say of a dashboard of ours. Their `Dashboard` leaves the options of
// panels and the exceptions for fields open; here each kind of panel has those of its own.

import type {
  AnnotationQuery,
  Dashboard,
  DataQuery,
  FieldColor,
  FieldConfig,
  Panel,
  RowPanel,
  ThresholdsConfig,
  ValueMapping,
} from '@grafana/schema';
import type * as Heatmap from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type * as Stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as StateTimeline from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type * as Table from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type * as Text from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import type * as TimeSeries from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

// JSON has no enums: what is typed as one may be written as its value.
type Plain<T> = T extends string
  ? `${T}`
  : T extends number | boolean | null | undefined
    ? T
    : unknown extends T
      ? T
      : T extends (infer E)[]
        ? Plain<E>[]
        : T extends object
          ? { [K in keyof T]: Plain<T[K]> }
          : T;

type Datasource = { type: 'influxdb'; uid: '${datasource}' };

interface Query extends DataQuery {
  datasource: Datasource;
  rawQuery: true;
  query: string;
  resultFormat: 'table' | 'time_series';
  alias?: string;
}

interface Mark extends DataQuery {
  fromAnnotations: true;
  rawQuery: true;
  query: string;
  textColumn: string;
}

type Matcher =
  | { id: 'byName' | 'byRegexp'; options: string }
  | { id: 'byValue'; options: { reducer: 'allIsZero'; op: 'gte'; value: number } };

type Property<Custom> =
  | { id: 'unit'; value: string }
  | { id: 'decimals'; value: number }
  | { id: 'mappings'; value: ValueMapping[] }
  | { id: 'thresholds'; value: ThresholdsConfig }
  | { id: 'color'; value: FieldColor }
  | { [K in keyof Custom & string]-?: { id: `custom.${K}`; value: NonNullable<Custom[K]> } }[keyof Custom & string];

interface Drawn<Type extends string, Options, Custom>
  extends Omit<Panel, 'type' | 'options' | 'fieldConfig' | 'targets' | 'datasource'> {
  type: Type;
  description: string;
  datasource: Datasource;
  options: Options;
  targets: Query[];
  fieldConfig: {
    defaults: Omit<FieldConfig, 'custom'> & { custom?: Custom };
    overrides: { matcher: Matcher; properties: Property<Custom>[] }[];
  };
}

interface Written extends Omit<Panel, 'type' | 'options'> {
  type: 'text';
  description: string;
  options: Text.Options;
}

type AnyPanel =
  | RowPanel
  | Written
  | Drawn<'heatmap', Heatmap.Options, Heatmap.FieldConfig>
  | Drawn<'stat', Stat.Options, {}>
  | Drawn<'state-timeline', StateTimeline.Options, StateTimeline.FieldConfig>
  | Drawn<'table', Table.Options, Table.FieldConfig>
  | Drawn<'timeseries', TimeSeries.Options, TimeSeries.FieldConfig>;

export type VantageDashboard = Plain<
  Omit<Dashboard, 'panels' | 'annotations'> & {
    uid: string;
    title: string;
    description: string;
    panels: AnyPanel[];
    annotations: { list: AnnotationQuery<Mark>[] };
  }
>;

// The check is worth something only if it refuses what is wrong.

type VantagePanel = VantageDashboard['panels'][number];
const stat = {
  colorMode: 'value', graphMode: 'none', justifyMode: 'auto', textMode: 'auto', orientation: 'auto',
  percentChangeColorMode: 'standard', showPercentChange: false, wideLayout: true, reduceOptions: { calcs: [] },
} as const;
const common = { description: '', datasource: { type: 'influxdb', uid: '${datasource}' }, targets: [] } as const;

// @ts-expect-error: an option that this kind of panel does not have
const option: VantagePanel = { ...common, type: 'stat', options: { ...stat, legend: {} }, fieldConfig: { defaults: {}, overrides: [] } };
// @ts-expect-error: a value that an option does not take
const value: VantagePanel = { ...common, type: 'stat', options: { ...stat, colorMode: 'loud' }, fieldConfig: { defaults: {}, overrides: [] } };
const table = { frameIndex: 0, showHeader: true } as const;
// @ts-expect-error: a setting of fields that a table does not have
const custom: VantagePanel = { ...common, type: 'table', options: table, fieldConfig: { defaults: { custom: { align: 'auto', cellOptions: { type: 'auto' }, inspect: false, lineWidth: 1 } }, overrides: [] } };
// @ts-expect-error: an exception for a setting that a table does not have
const exception: VantagePanel = { ...common, type: 'table', options: table, fieldConfig: { defaults: {}, overrides: [{ matcher: { id: 'byName', options: '' }, properties: [{ id: 'custom.lineWidth', value: 1 }] }] } };
// @ts-expect-error: a kind of panel that is not there
const kind: VantagePanel = { ...common, type: 'graph', options: {}, fieldConfig: { defaults: {}, overrides: [] } };
export const refused = [option, value, custom, exception, kind];
