//! The kinds of panels in use, each with its settings said once.

use serde_json::{Value, json};
use vantage_aggregator::export::influx::fields::Unit;

use super::{Panel, Target};
use crate::grafana;
use crate::influxql::Query;

impl Panel {
    /// Lines over time. The legend has the figures, for those who cannot tell the colours.
    pub fn time_series(title: &str, description: &str, unit: Unit) -> Self {
        let mut panel = Self::new("timeseries", title, description);
        panel.options = json!({
            "legend": {
                "calcs": ["lastNotNull", "max"],
                "displayMode": "table",
                "placement": "bottom",
                "showLegend": true,
            },
            "tooltip": { "mode": "multi", "sort": "desc", "hideZeros": true },
        });
        panel.defaults = json!({
            "unit": grafana::unit(unit),
            "color": { "mode": "palette-classic-by-name" },
            "custom": {
                "drawStyle": "line",
                "lineInterpolation": "linear",
                "lineWidth": 1,
                "fillOpacity": 0,
                "showPoints": "auto",
                "pointSize": 4,
                "spanNulls": false,
                "axisPlacement": "auto",
                "stacking": { "mode": "none", "group": "A" },
                "thresholdsStyle": { "mode": "off" },
            },
        });
        panel
    }

    /// Counts over time, as bars on top of each other.
    pub fn stacked_counts(title: &str, description: &str) -> Self {
        let mut panel = Self::time_series(title, description, Unit::Count).from_zero();
        panel.options["legend"]["calcs"] = json!(["sum"]);
        panel.options["legend"]["sortBy"] = json!("Total");
        panel.options["legend"]["sortDesc"] = json!(true);
        panel.stacked("bars", 80)
    }

    /// Areas on top of each other.
    #[must_use]
    pub fn stacked_areas(self) -> Self {
        self.stacked("line", 40)
    }

    fn stacked(mut self, style: &str, opacity_percent: u32) -> Self {
        self.defaults["custom"]["drawStyle"] = json!(style);
        self.defaults["custom"]["fillOpacity"] = json!(opacity_percent);
        self.defaults["custom"]["stacking"]["mode"] = json!("normal");
        self
    }

    /// The axis in powers of ten: latencies differ by that much.
    #[must_use]
    pub fn logarithmic(mut self) -> Self {
        self.defaults["custom"]["scaleDistribution"] = json!({ "type": "log", "log": 10 });
        self
    }

    /// A dashed line where the last colour begins.
    #[must_use]
    pub fn with_limits(mut self) -> Self {
        self.defaults["custom"]["thresholdsStyle"]["mode"] = json!("dashed");
        self.defaults["color"] = json!({ "mode": "palette-classic-by-name" });
        self
    }

    /// Rows and columns.
    pub fn table(title: &str, description: &str, unit: Unit) -> Self {
        let mut panel = Self::new("table", title, description);
        panel.options = json!({ "frameIndex": 0, "showHeader": true, "cellHeight": "sm" });
        panel.defaults = json!({
            "unit": grafana::unit(unit),
            "custom": { "align": "auto", "cellOptions": { "type": "auto" }, "inspect": false },
        });
        panel
    }

    /// A market to each row, a site to each column, coloured cells with the figure or the word.
    ///
    /// # Panics
    ///
    /// Where the query does not give one column by market and site.
    pub fn matrix(title: &str, description: &str, unit: Unit, query: Query) -> Self {
        assert_eq!(query.tag_names().collect::<Vec<_>>(), ["market", "site"]);
        let columns: Vec<_> = query.column_names().map(str::to_owned).collect();
        assert_eq!(columns.len(), 1, "a cell has one value");
        let corner = "market\\site";
        let plain = json!({ "type": "auto" });
        let mut panel = Self::table(title, description, unit);
        panel.defaults["custom"]["cellOptions"] =
            json!({ "type": "color-background", "mode": "basic" });
        panel
            .sorted_by(&[corner])
            .asking(Target::table(query))
            .transformed(
                "groupingToMatrix",
                &json!({
                    "rowField": "market",
                    "columnField": "site",
                    "valueField": columns[0],
                    "emptyValue": "null",
                }),
            )
            .except(super::named(
                corner,
                &[("custom.cellOptions", plain), ("unit", json!("string"))],
            ))
    }

    /// How many samples were how long, over time. Asks for one column for each bucket, called by its
    /// upper bound in microseconds.
    pub fn heat_map(title: &str, description: &str) -> Self {
        let mut panel = Self::new("heatmap", title, description);
        panel.options = json!({
            "calculate": false,
            "cellGap": 1,
            "color": {
                "mode": "scheme",
                "scheme": "Cividis",
                "exponent": 0.5,
                "fill": "dark-blue",
                "reverse": false,
                "scale": "exponential",
                "steps": 64,
            },
            "exemplars": { "color": "rgba(255,0,255,0.7)" },
            "filterValues": { "le": 1e-9 },
            "legend": { "show": true },
            "rowsFrame": { "layout": "le", "value": "Samples" },
            "showValue": "never",
            "tooltip": { "mode": "single", "yHistogram": true, "showColorScale": true },
            "yAxis": {
                "axisPlacement": "left",
                "unit": grafana::unit(Unit::Microseconds),
                "reverse": false,
            },
        });
        panel.defaults = json!({ "unit": grafana::unit(Unit::Count), "custom": {} });
        panel
    }

    /// One large figure.
    pub fn figure(title: &str, description: &str, unit: Unit) -> Self {
        let mut panel = Self::new("stat", title, description).sized(6, 4);
        panel.options = json!({
            "reduceOptions": { "calcs": ["lastNotNull"], "fields": "", "values": false },
            "orientation": "auto",
            "textMode": "auto",
            "colorMode": "value",
            "graphMode": "area",
            "justifyMode": "auto",
            "percentChangeColorMode": "standard",
            "showPercentChange": false,
            "wideLayout": true,
        });
        panel.defaults = json!({ "unit": grafana::unit(unit) });
        panel
    }

    /// Of a figure: computed like this from all of its values.
    #[must_use]
    pub fn reduced(mut self, calculation: &str) -> Self {
        self.options["reduceOptions"]["calcs"] = json!([calculation]);
        self.options["graphMode"] = json!("none");
        self
    }

    /// One bar for each series, with the value written in it for as long as it lasted.
    pub fn timeline(title: &str, description: &str) -> Self {
        let mut panel = Self::new("state-timeline", title, description);
        panel.options = json!({
            "alignValue": "center",
            "mergeValues": true,
            "rowHeight": 0.85,
            "showValue": "auto",
            "legend": { "calcs": [], "displayMode": "list", "placement": "bottom", "showLegend": false },
            "tooltip": { "mode": "single", "sort": "none" },
        });
        panel.defaults = json!({ "custom": { "fillOpacity": 60, "lineWidth": 0 } });
        panel
    }

    /// Words.
    pub fn words(title: &str, markdown: &str) -> Self {
        let mut panel = Self::new("text", title, "How to read this dashboard.").sized(24, 4);
        panel.options = json!({ "mode": "markdown", "content": markdown });
        panel
    }

    /// Rows of a table in the order of these columns, the first counting most.
    #[must_use]
    pub fn sorted_by(mut self, columns: &[&str]) -> Self {
        let rising = columns.iter().map(|name| json!({ "displayName": name, "desc": false }));
        self.options["sortBy"] = rising.collect();
        self
    }

    /// Columns of a table, left to right, without the time.
    #[must_use]
    pub fn with_columns(self, columns: &[&str]) -> Self {
        let order: Value = columns.iter().zip(0..).map(|(name, place)| (*name, place)).collect();
        let hidden = json!({ "Time": true });
        let options = json!({ "indexByName": order, "excludeByName": hidden, "renameByName": {} });
        self.transformed("organize", &options)
    }
}
