//! By how much measurements are out.

use std::time::Duration;

/// Differences between what was measured and what its packets took.
#[derive(Debug, Clone, Default)]
pub struct Deviations {
    off_us: Vec<f64>,
}

impl Deviations {
    /// Adds a measurement and what it should have been.
    pub fn add(&mut self, measured: Duration, packets: Duration) {
        self.off_us.push((measured.as_secs_f64() - packets.as_secs_f64()) * 1e6);
    }

    /// How many measurements there are.
    pub fn count(&self) -> usize {
        self.off_us.len()
    }

    /// The size of the difference, in µs, that so many percent of the measurements do not exceed;
    /// `None` without measurements.
    pub fn size_us(&self, percent: usize) -> Option<f64> {
        percentile(self.off_us.iter().map(|off| off.abs()).collect(), percent)
    }

    /// The signed difference, in µs, that so many percent do not exceed: above zero where more was
    /// measured than the packets took.
    pub fn signed_us(&self, percent: usize) -> Option<f64> {
        percentile(self.off_us.clone(), percent)
    }

    /// Half and nearly all of the sizes, as a cell of a table.
    pub fn cell(&self) -> String {
        match (self.size_us(50), self.size_us(99)) {
            (Some(half), Some(most)) => format!("{half:.1} / {most:.1}"),
            _ => "–".to_owned(),
        }
    }
}

/// Nearest rank.
pub(crate) fn percentile(mut values: Vec<f64>, percent: usize) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_signs() {
        let mut deviations = Deviations::default();
        assert_eq!((deviations.size_us(50), deviations.cell()), (None, "–".to_owned()));
        for measured in [90, 101, 102, 103] {
            deviations.add(Duration::from_micros(measured), Duration::from_micros(100));
        }
        let near = |got: Option<f64>, wanted: f64| (got.unwrap() - wanted).abs() < 1e-6;
        assert!(near(deviations.size_us(50), 2.0) && near(deviations.size_us(99), 10.0));
        assert!(near(deviations.signed_us(25), -10.0) && near(deviations.signed_us(50), 1.0));
        assert_eq!(deviations.cell(), "2.0 / 10.0");
    }
}
