//! What is asked: commands of `vantage`, and the same as pages of the aggregator.

use clap::Parser;
use vantage_aggregator::answers::{ComparisonQuery, Parameters, PlanQuery, Scope};
use vantage_aggregator::api::{COMPARISONS, PLANS, RANKINGS};

use super::Season;
use super::file::AskedInFile;

/// A question about the simulated weeks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Its name among the results.
    pub name: String,
    /// What it asks, for people.
    pub title: String,
    /// What kind of answer it has.
    pub kind: Kind,
    /// Arguments of `vantage`, with the dates left open.
    ask: String,
}

/// What kind of answer a question has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sites in order.
    Rank,
    /// Before and after.
    Compare,
    /// Sites to host at.
    Plan,
}

/// The commands of `vantage` that are understood, with exactly its arguments.
#[derive(Debug, Parser)]
#[command(name = "ask", disable_help_flag = true)]
enum Command {
    Rank {
        #[command(flatten)]
        scope: Box<Scope>,
    },
    Compare {
        #[command(flatten)]
        query: Box<ComparisonQuery>,
    },
    Plan {
        #[command(flatten)]
        query: Box<PlanQuery>,
    },
}

impl Question {
    pub(super) fn new(asked: &AskedInFile) -> Result<Self, String> {
        let AskedInFile { name, title, ask } = asked.clone();
        let any = jiff::civil::Date::constant(2000, 1, 1);
        let sample = Season { from: any, cutover: any, to: any };
        let kind = match parse(&filled(&ask, sample)) {
            Ok(Command::Rank { .. }) => Kind::Rank,
            Ok(Command::Compare { .. }) => Kind::Compare,
            Ok(Command::Plan { .. }) => Kind::Plan,
            Err(error) => {
                let said = error.to_string();
                return Err(format!("question {name:?}: {}", said.lines().next().unwrap_or("")));
            }
        };
        Ok(Self { name, title, kind, ask })
    }

    /// The arguments of `vantage` that ask it.
    pub fn arguments(&self, season: Season) -> Vec<String> {
        filled(&self.ask, season)
    }

    /// The page that answers it.
    pub fn page(&self) -> &'static str {
        match self.kind {
            Kind::Rank => RANKINGS,
            Kind::Compare => COMPARISONS,
            Kind::Plan => PLANS,
        }
    }

    /// The parameters of the page.
    pub fn parameters(&self, season: Season) -> Parameters {
        let mut parameters = Parameters::default();
        match parse(&self.arguments(season)) {
            Ok(Command::Rank { scope }) => scope.put_into(&mut parameters),
            Ok(Command::Compare { query }) => query.put_into(&mut parameters),
            Ok(Command::Plan { query }) => query.put_into(&mut parameters),
            // It parsed with other dates.
            Err(_) => {}
        }
        parameters
    }
}

fn parse(arguments: &[String]) -> Result<Command, clap::Error> {
    Command::try_parse_from(["ask"].into_iter().map(str::to_owned).chain(arguments.iter().cloned()))
}

fn filled(ask: &str, season: Season) -> Vec<String> {
    let dates = [("{from}", season.from), ("{cutover}", season.cutover), ("{to}", season.to)];
    let fill = |word: &str| {
        dates
            .iter()
            .fold(word.to_owned(), |word, (name, date)| word.replace(name, &date.to_string()))
    };
    ask.split_whitespace().map(fill).collect()
}
