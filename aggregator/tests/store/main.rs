//! What the store promises, case by case, on each of its databases.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "in tests a panic is a failed test")]

mod conformance;
mod disk_full;
mod fixture;
mod postgres;
mod two_aggregators;

/// Makes a test of every case for one kind of database.
macro_rules! store_conformance {
    ($fresh:expr; $($module:ident::{$($case:ident),+ $(,)?}),+ $(,)?) => {$($(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            crate::conformance::$module::$case(&$fresh).await;
        }
    )+)+};
}

macro_rules! on_both_databases {
    ($($cases:tt)+) => {
        mod on_sqlite {
            store_conformance!(crate::fixture::sqlite(); $($cases)+);
        }
        mod on_postgres {
            store_conformance!(crate::postgres::database(); $($cases)+);
        }
    };
}

on_both_databases! {
    enrolment::{
        a_token_registers_one_key_once,
        a_token_can_be_too_late_or_unknown,
        a_rebuilt_machine_gets_a_new_key,
        revoking_voids_older_tokens_only,
        a_key_belongs_to_one_vantage,
        two_keys_racing_for_a_token_have_one_winner,
    },
    append::{
        a_report_counts_once_however_often_it_comes,
        reports_may_come_in_any_order,
        gaps_in_the_numbers_of_reports_take_bounded_room,
        windows_come_back_as_they_were_reported,
        state_follows_the_report_received_last,
        a_report_of_a_stranger_stores_nothing,
        two_handles_store_each_report_once,
        what_is_stored_is_there_after_reopening,
        coverage_counts_overlaps_once,
    },
    rollups::{
        hours_are_the_sum_of_their_windows,
        days_are_the_sum_of_the_local_days_hours,
        late_windows_end_in_their_hour,
        coarse_and_uncertain_windows_are_flagged,
        a_new_time_zone_cuts_days_anew,
        a_move_to_another_market_cuts_days_anew,
        queries_choose_vantages_probes_phases_and_times,
        order_and_repetition_leave_no_trace,
        rolling_up_while_reports_arrive_loses_nothing,
        counts_beyond_measure_harm_only_their_own_hour,
    },
    retention::{
        what_is_deleted_is_in_the_level_above,
        late_windows_of_deleted_hours_are_added,
        windows_that_were_not_rolled_up_stay,
        days_go_where_they_are_to_go,
    },
    influx::{
        windows_are_noted_while_the_export_is_on,
        a_note_that_is_taken_away_leaves_those_made_since,
        one_writer_at_a_time_has_the_turn,
        what_is_left_of_a_deleted_hour_is_not_taken_for_all_of_it,
        scores_are_remembered_by_the_newest,
    },
    check::{
        a_sound_store_is_found_sound,
        dirty_hours_are_pending_not_wrong,
        figures_tell_of_size_and_of_what_waits,
        a_changed_roll_up_is_found,
        a_lost_histogram_is_found,
        a_report_missing_in_the_progress_is_found,
    },
}
