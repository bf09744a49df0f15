//! `world calibrate`: how true the router is on this machine.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use vantage_wire::LatencyHistogram;
use vantage_world::calibration::calibrate;

/// Quantiles shown.
const QUANTILES: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

#[derive(Args)]
pub struct Calibrate {
    /// Packets per second, one measurement each.
    #[arg(long, value_delimiter = ',', default_values_t = [100, 1000, 5000], value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rates: Vec<u32>,
    /// Length of each measurement in seconds.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
}

impl Calibrate {
    pub fn execute(self) -> anyhow::Result<ExitCode> {
        println!(
            "Error of the emulated delay (5 ms one way), by the receiving host's kernel stamps:\n"
        );
        println!(
            "| packets/s | packets | p50 µs | p90 µs | p99 µs | p99.9 µs | within ±100 µs | lateness p50 / p99 µs | router CPU |"
        );
        println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
        let mut scheduling = None;
        for rate in self.rates {
            let outcome = calibrate(rate, Duration::from_secs(self.seconds))?;
            let [p50, p90, p99, p999] = QUANTILES.map(|q| cell(&outcome.reception_error, q));
            println!(
                "| {rate} | {} | {p50} | {p90} | {p99} | {p999} | {:.2} % | {} / {} | {:.1} % |",
                outcome.packets,
                outcome.within_100_us * 100.0,
                cell(&outcome.lateness, 0.5),
                cell(&outcome.lateness, 0.99),
                outcome.cpu * 100.0,
            );
            scheduling = Some(outcome.scheduling);
        }
        if let Some(scheduling) = scheduling {
            println!("\nThe router ran with {scheduling}.");
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn cell(histogram: &LatencyHistogram, quantile: f64) -> String {
    histogram.quantile(quantile).map_or_else(|| "-".into(), |value| value.get().to_string())
}
