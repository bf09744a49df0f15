//! Vocabulary, histogram codec and report format shared by the Vantage agent and aggregator.
