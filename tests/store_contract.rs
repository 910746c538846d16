//! What every store promises, tried on each: the rules of the `Store` trait's documentation.
//!
//! Each rule is one function over any store; `contract!` makes a test of it for the store in memory
//! and for the one in DynamoDB, on the embedded server.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test ends where it fails")]

#[path = "store_contract/head.rs"]
mod head;
#[path = "store_contract/items.rs"]
mod items;
#[path = "store_contract/requests.rs"]
mod requests;
#[path = "store_contract/support.rs"]
mod support;

#[cfg(feature = "local")]
#[path = "store_contract/equality.rs"]
mod equality;
#[cfg(feature = "local")]
#[path = "store_contract/faults.rs"]
mod faults;
#[cfg(feature = "local")]
#[path = "store_contract/proxy.rs"]
mod proxy;
#[cfg(feature = "local")]
#[path = "store_contract/table.rs"]
mod table;

macro_rules! contract {
    ($($module:ident: $($rule:ident),+;)+) => {
        mod memory {
            $($(
                #[tokio::test]
                async fn $rule() {
                    crate::$module::$rule(weir::state::MemoryStore::new()).await;
                }
            )+)+
        }

        #[cfg(feature = "local")]
        mod dynamo {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $rule() {
                    let server = crate::support::server();
                    crate::$module::$rule(crate::support::store(&server).await).await;
                }
            )+)+
        }
    };
}

contract! {
    head:
        a_view_without_a_head_has_an_empty_one,
        an_advance_shows_in_the_head_it_returns,
        an_advance_that_is_not_ahead_changes_nothing,
        an_advance_of_another_epoch_changes_nothing,
        a_backfill_begins_a_partition_that_is_not_there,
        a_backfill_begins_no_partition_that_functions_have,
        a_batch_of_before_a_backfill_changes_nothing,
        a_step_says_what_a_backfill_has_to_do_with_a_partition,
        times_never_go_backwards,
        the_ends_of_time_come_back,
        a_topic_may_become_a_stream,
        a_partition_is_idle_only_where_it_stands,
        a_partition_that_never_reported_can_be_idle,
        a_restart_keeps_the_largest_time,
        a_restart_happens_once_an_epoch,
        an_epoch_has_an_end,
        closed_only_rises,
        scopes_are_closed_apart,
        the_page_depth_only_rises,
        views_do_not_meet,
        many_partitions_advance_at_once,
        partitions_keep_their_names;
    items:
        what_was_put_comes_back,
        a_put_needs_the_version_it_expects,
        a_put_that_meets_itself_is_stored,
        one_of_two_racing_writers_is_stored,
        many_are_read_by_key,
        a_scan_is_in_the_order_of_keys,
        a_scan_takes_its_ends_along,
        the_first_of_a_scan_are_as_many_as_asked_for,
        a_scan_that_ends_before_it_begins_is_empty,
        a_scan_takes_its_partition_alone,
        pages_and_history_are_scanned_apart,
        a_thousand_items_are_scanned_whole,
        a_large_item_comes_back;
    requests:
        a_request_is_remembered,
        a_request_needs_the_version_it_expects,
        one_of_two_racing_attempts_is_stored;
}
