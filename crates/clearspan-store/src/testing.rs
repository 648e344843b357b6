//! What every engine has to prove.
//!
//! [`cases`] holds one function for each promise of [`RunStore`](crate::RunStore), named after the promise, and
//! [`conformance_suite!`](crate::conformance_suite) makes a test of each. [`random`] makes runs and questions from a
//! seed, and [`compare`] asks two engines the same questions; [`ledger`] compares what was acknowledged with what can be read. An engine passes when it passes all of them; that it keeps its
//! promises across a restart is its own to prove.
//!
//! ```ignore
//! async fn make() -> (Arc<dyn RunStore>, TempDir) { … }
//! clearspan_store::conformance_suite!(make);
//! ```

pub mod build;
pub mod cases;
pub mod compare;
pub mod hostile;
pub mod ledger;
pub mod random;

/// Makes one `#[tokio::test]` for each promise of a [`RunStore`](crate::RunStore).
///
/// The argument is an async function without arguments that makes an empty store whose `finish` does nothing. It returns the
/// store behind an `Arc` and a guard that is dropped after the test: a temporary folder, or `()`.
#[macro_export]
macro_rules! conformance_suite {
    ($make:path) => {
        $crate::conformance_suite! { @each $make:
            // Writing and reading back.
            a_write_is_seen_by_every_read
            patches_merge_in_any_order
            patches_of_one_write_merge
            the_same_patch_twice_changes_nothing
            a_late_patch_merges_after_a_flush
            compacting_and_purging_change_no_answer
            parallel_writes_lose_nothing
            many_runs_make_one_trace
            every_field_comes_back
            bare_runs_come_back
            empty_values_are_not_missing_values
            unicode_comes_back
            extreme_values_come_back
            a_huge_payload_comes_back
            what_is_not_there_is_not_found
            // Whose.
            equal_ids_in_two_projects_stay_apart
            equal_ids_in_two_workspaces_stay_apart
            equal_run_ids_in_two_traces_stay_apart
            no_read_leaves_its_scope
            // Traces.
            skeletons_are_light_and_in_order
            traces_come_whole_and_in_order
            a_trace_is_summed_up
            an_orphan_trace_is_repaired_by_its_root
            circles_of_parents_do_no_harm
            what_counts_follows_late_runs
            // Pages.
            runs_are_sorted_by_every_key
            traces_are_sorted_by_every_key
            pages_stay_put_while_data_arrives
            the_last_page_says_so
            a_cursor_of_another_order_is_refused
            the_newest_traces_are_found_wherever_their_runs_are
            the_newest_traces_are_living_ones
            the_newest_runs_are_found_wherever_they_are
            filters_that_name_traces_find_their_runs
            // Filters.
            places_in_payloads_are_filtered
            run_texts_are_filtered
            run_figures_are_filtered
            the_sides_of_costs_are_filtered
            the_sides_of_costs_are_summed_up
            traces_with_unpriced_calls_are_found
            entries_compare_as_numbers_where_they_are
            run_kinds_are_filtered
            trace_roots_are_filtered
            trace_totals_are_filtered
            missing_values_satisfy_only_negations
            filters_combine
            filters_reach_other_runs_of_the_trace
            a_run_has_its_roots_thread
            times_are_half_open
            // Full text.
            texts_are_searched
            searches_keep_to_their_page
            // Figures.
            stats_of_runs_add_up
            stats_of_traces_add_up
            a_trace_that_runs_has_no_latency
            roots_have_their_own_latencies
            stats_of_nothing_are_zero
            stats_survive_the_largest_counts
            histograms_count_traces_by_time
            histograms_take_the_datas_own_ends
            facets_count_traces
            projects_tell_their_activity
            // What two instrumentations told.
            of_two_tellings_of_a_call_one_counts
            calls_and_failures_count_once
            one_response_is_one_call_whatever_its_tokens
            requests_of_client_libraries_are_marked
            sources_come_back_and_merge
            // Spans and events.
            runs_are_found_by_their_spans
            traces_without_span_are_found
            events_of_a_trace_come_in_one_go
            // Replacing.
            a_replaced_run_is_read_everywhere
            a_run_that_changed_is_not_replaced
            patches_merge_with_a_replaced_run
            what_counts_follows_replaced_runs
            // Log records and metric points.
            log_records_come_back_whole
            metric_points_come_back_whole
            a_record_sent_twice_is_kept_once
            log_records_come_page_by_page
            log_records_are_filtered
            metrics_are_summed_up
            points_are_cut_at_the_limit
            records_never_leave_their_scope
            no_records_are_no_error
            // Deleting.
            a_deleted_trace_is_gone_from_every_read
            a_preview_removes_nothing
            what_arrives_late_for_a_deleted_trace_stays_dead
            a_trace_may_begin_anew_when_it_is_forgotten
            deleting_never_leaves_its_scope
            traces_are_deleted_by_filter_user_and_thread
            a_deleted_project_takes_everything_with_it
            records_without_runs_are_deleted_with_their_trace
            what_was_received_long_ago_is_deleted
            a_trace_is_as_old_as_its_first_run
            the_oldest_traces_are_deleted_first
            replacing_brings_nothing_deleted_back
            deleting_nothing_is_no_error
            a_purge_changes_nothing_that_is_readable
            old_payloads_are_removed
            // Statements and exports.
            statements_count_as_figures_do
            statements_see_what_people_know
            statements_reach_into_json
            statements_never_leave_their_scope
            the_first_rows_are_the_first_of_all
            statements_cannot_change_anything
            statements_are_cut_at_their_limit
            statements_end_in_time
            statements_know_the_time
            statements_see_each_record_once
            mistakes_in_statements_are_explained
            exports_hold_what_a_selection_holds
        }
    };
    (@each $make:path: $($case:ident)*) => {$(
        #[tokio::test]
        async fn $case() {
            let (store, _guard) = $make().await;
            $crate::testing::cases::$case(&*store).await;
        }
    )*};
}
