//! The questions, put to the aggregator as anybody would, and their answers.

use anyhow::Context as _;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use vantage_aggregator::answers::{
    ComparisonAnswer, HistogramsAnswer, Parameters, PlanAnswer, RankingsAnswer,
};
use vantage_aggregator::api::HISTOGRAMS;
use vantage_aggregator::cli::{comparison_for_people, plan_for_people};
use vantage_wire::exchange::ProblemDocument;

use super::{key, results};
use crate::scenario::{Kind, Scenario, Season};
use crate::screen::{Failing, Screen, failing, ranking};
use crate::stage::PORT;

/// What stands where the aggregator's address would, if it were kept.
const NOT_KEPT: &str = "http://…";

/// Asks everything; answers all documents by kind and name.
pub(super) async fn ask(
    scenario: &Scenario,
    season: Season,
    kept_at: Option<&str>,
    screen: &mut Screen,
) -> anyhow::Result<Value> {
    let client = reqwest::Client::builder().build()?;
    let mut results = results();
    for question in &scenario.questions {
        screen.part(&question.title)?;
        let mut command = vec!["vantage".to_owned()];
        command.extend(question.arguments(season));
        let shown = command.join(" ");
        let url = kept_at.unwrap_or(NOT_KEPT);
        screen.say(&format!("{}\n\n", screen.paint.dim(&format!("$ {shown} --url {url}"))))?;
        let parameters = question.parameters(season);
        let answer = fetch(&client, question.page(), &parameters)
            .await
            .with_context(|| format!("failed to ask: {shown}"))?;
        let text = match question.kind {
            Kind::Rank => {
                let histograms = fetch(&client, HISTOGRAMS, &parameters).await?;
                let failures = Failing::of(&typed::<HistogramsAnswer>(&histograms)?);
                let text = ranking(&typed::<RankingsAnswer>(&answer)?, screen.paint);
                let text = text + &failing(&failures, screen.paint);
                results["failures"][&question.name] = json!(failures);
                text
            }
            Kind::Compare => comparison_for_people(&typed::<ComparisonAnswer>(&answer)?),
            Kind::Plan => plan_for_people(&typed::<PlanAnswer>(&answer)?),
        };
        screen.say(&text)?;
        results[key(question.kind)][&question.name] =
            json!({ "command": command, "answer": answer });
    }
    Ok(results)
}

fn typed<D: DeserializeOwned>(answer: &Value) -> anyhow::Result<D> {
    D::deserialize(answer).context("the answer is not what it should be")
}

/// A page of the aggregator's interface.
async fn fetch(
    client: &reqwest::Client,
    page: &str,
    parameters: &Parameters,
) -> anyhow::Result<Value> {
    let page = format!("http://127.0.0.1:{PORT}{page}");
    let page = reqwest::Url::parse_with_params(&page, parameters.pairs())?;
    let answer = client.get(page).send().await?;
    if !answer.status().is_success() {
        let problem: ProblemDocument = answer.json().await?;
        anyhow::bail!("{}: {}", problem.title, problem.detail);
    }
    Ok(answer.json().await?)
}
