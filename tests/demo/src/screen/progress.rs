//! How far something is.

const WIDTH: u64 = 40;

/// A bar: `━━━━━━────  60 %`.
pub fn bar(done: u64, all: u64) -> String {
    let all = all.max(1);
    let done = done.min(all);
    let full = done * WIDTH / all;
    let part = |glyph: &str, count: u64| glyph.repeat(usize::try_from(count).unwrap_or_default());
    format!("{}{} {:>3} %", part("━", full), part("─", WIDTH - full), done * 100 / all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_always_as_wide() {
        assert_eq!(bar(0, 7), format!("{}   0 %", "─".repeat(40)));
        assert_eq!(bar(7, 7), format!("{} 100 %", "━".repeat(40)));
        assert_eq!(bar(1, 2), format!("{}{}  50 %", "━".repeat(20), "─".repeat(20)));
        assert_eq!(bar(9, 0).chars().count(), 46);
    }
}
