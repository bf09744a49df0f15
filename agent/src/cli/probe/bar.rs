//! The phases of an attempt as a bar: one letter and one colour each, as long as they took.

use vantage_wire::{Micros, Phase};

use crate::cli::paint::{Colour, Paint};

/// The letter of a phase, so that a bar can be read without colour.
pub const fn letter(phase: Phase) -> char {
    match phase {
        Phase::Dns => 'd',
        Phase::Connect => 'c',
        Phase::Tls => 't',
        Phase::Request => 'r',
        Phase::Transfer => 'x',
        Phase::Total => '·',
        Phase::Rtt => 'e',
    }
}

/// The colour of a phase.
pub const fn colour(phase: Phase) -> Colour {
    match phase {
        Phase::Dns => Colour::Cyan,
        Phase::Connect => Colour::Yellow,
        Phase::Tls => Colour::Magenta,
        Phase::Request | Phase::Rtt => Colour::Green,
        Phase::Transfer => Colour::Blue,
        Phase::Total => Colour::Dim,
    }
}

/// What the letters mean, for those phases that occurred.
pub fn legend(phases: impl IntoIterator<Item = Phase>, paint: Paint) -> String {
    let parts = phases.into_iter().map(|phase| {
        let name = if phase == Phase::Rtt { "echo (rtt)" } else { phase.name() };
        format!("{} {name}", paint.paint(colour(phase), letter(phase)))
    });
    parts.collect::<Vec<_>>().join("  ")
}

/// A bar of consecutive phases. `full` is the time that `cells` stand for; what takes longer is
/// cut. Ends of phases are rounded to the nearest cell, so the bar as a whole is true to half a
/// cell, whatever the number of phases; a phase shorter than that has no cell.
pub fn bar(phases: &[(Phase, Micros)], full: Micros, cells: usize, paint: Paint) -> String {
    let mut text = String::new();
    let (mut elapsed, mut drawn) = (Micros::ZERO, 0);
    for &(phase, took) in phases {
        elapsed = elapsed.saturating_add(took);
        let end = to_cells(elapsed, full, cells);
        if end > drawn {
            text.push_str(&paint.paint(colour(phase), segment(phase, end - drawn)));
            drawn = end;
        }
    }
    text.push_str(&" ".repeat(cells - drawn));
    text
}

/// A part of a bar: `indent` of time before it, which is left blank.
pub fn step(
    phase: Phase,
    before: Micros,
    took: Micros,
    full: Micros,
    cells: usize,
    paint: Paint,
) -> String {
    let start = to_cells(before, full, cells);
    let end = to_cells(before.saturating_add(took), full, cells);
    if end > start {
        format!("{}{}", " ".repeat(start), paint.paint(colour(phase), segment(phase, end - start)))
    } else {
        format!(
            "{}{}",
            " ".repeat(start.min(cells.saturating_sub(1))),
            paint.paint(colour(phase), '▏')
        )
    }
}

fn segment(phase: Phase, cells: usize) -> String {
    let mut text = String::from(letter(phase));
    text.extend(std::iter::repeat_n('━', cells - 1));
    text
}

fn to_cells(time: Micros, full: Micros, cells: usize) -> usize {
    let (time, full) = (u128::from(time.get()), u128::from(full.get().max(1)));
    let rounded = (time * cells as u128 * 2 + full) / (2 * full);
    usize::try_from(rounded).unwrap_or(cells).min(cells)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHASES: [(Phase, Micros); 4] = [
        (Phase::Dns, Micros::from_millis(10)),
        (Phase::Connect, Micros::from_millis(40)),
        (Phase::Tls, Micros::from_millis(40)),
        (Phase::Request, Micros::from_millis(60)),
    ];

    #[test]
    fn a_bar_is_proportional_to_time() {
        let draw = |full, cells| bar(&PHASES, Micros::from_millis(full), cells, Paint::PLAIN);
        assert_eq!(draw(150, 15), "dc━━━t━━━r━━━━━");
        assert_eq!(draw(300, 30), "dc━━━t━━━r━━━━━               ");
        assert_eq!(draw(300, 10), "c━tr━     ");
        assert_eq!(draw(50, 5), "dc━━━");
        assert_eq!(draw(0, 3), "d━━");
    }

    #[test]
    fn colours_and_letters_are_told_in_the_legend() {
        assert_eq!(legend([Phase::Dns, Phase::Rtt], Paint::PLAIN), "d dns  e echo (rtt)");
        let coloured = bar(&PHASES[..1], Micros::from_millis(10), 2, Paint(true));
        assert_eq!(coloured, "\x1b[36md━\x1b[0m");
    }
}
