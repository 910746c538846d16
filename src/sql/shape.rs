//! The clauses of SELECT that views do not have: each is an error that says what there is instead.

use sqlparser::ast::{Distinct, GroupByExpr, Query, Select, Spanned};

use super::error::{Diagnostics, Place};

/// A view's query.
pub(super) fn check_view(query: &Query, select: &Select, place: &Place, errors: &mut Diagnostics) {
    check_query(query, place, errors);
    check_select(select, place, errors);
}

/// QUALIFY and WINDOW, which belong to OVER.
pub(super) fn refuse_over(select: &Select, place: &Place, errors: &mut Diagnostics) {
    if let Some(qualify) = &select.qualify {
        errors.error(&place.with_span(qualify.span()), "QUALIFY cannot stand here; expected HAVING or WHERE");
    }
    if let Some(window) = select.named_window.first() {
        let message = "WINDOW belongs to OVER; expected TUMBLE, HOP or SESSION in GROUP BY";
        errors.error(&place.with_span(window.span()), message);
    }
}

/// A SELECT in a subquery.
pub(super) fn check_branch(select: &Select, place: &Place, errors: &mut Diagnostics) {
    check_select(select, place, errors);
    refuse_over(select, place, errors);
    let grouped = !matches!(&select.group_by, GroupByExpr::Expressions(list, _) if list.is_empty());
    if grouped || select.having.is_some() {
        errors
            .error(place, "GROUP BY and HAVING are not supported in a subquery; expected columns and WHERE");
    }
}

/// A query, that of a view or in FROM, apart from its SELECT.
pub(super) fn check_query(query: &Query, place: &Place, errors: &mut Diagnostics) {
    let mut refuse = |found: bool, place: Place, message: &str| {
        if found {
            errors.error(&place, message);
        }
    };
    let at = |span| place.with_span(span);
    if let Some(with) = &query.with {
        refuse(true, at(with.span()), "WITH queries are not supported; expected a subquery in FROM");
    }
    if let Some(order) = &query.order_by {
        refuse(true, at(order.span()), "ORDER BY is not supported: a view's rows come as its windows close");
    }
    let limited = query.limit_clause.is_some() || query.fetch.is_some();
    let span = query.limit_clause.as_ref().map_or(place.span, Spanned::span);
    refuse(limited, at(span), "LIMIT is not supported: every key of a window has a row; expected HAVING");
    let others = !query.locks.is_empty()
        || query.for_clause.is_some()
        || query.settings.is_some()
        || query.format_clause.is_some()
        || !query.pipe_operators.is_empty();
    refuse(
        others,
        place.clone(),
        "expected SELECT ... FROM ... WHERE ... GROUP BY ... HAVING and nothing behind it",
    );
}

fn check_select(select: &Select, place: &Place, errors: &mut Diagnostics) {
    let place_of = |span| place.with_span(span);
    if matches!(select.distinct, Some(Distinct::Distinct | Distinct::On(_))) {
        let message = "SELECT DISTINCT is not supported; expected GROUP BY, or count(DISTINCT x)";
        errors.error(&place_of(select.select_token.0.span), message);
    }
    let others = select.top.is_some()
        || select.into.is_some()
        || select.exclude.is_some()
        || select.prewhere.is_some()
        || !select.lateral_views.is_empty()
        || !select.connect_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.sort_by.is_empty()
        || select.value_table_mode.is_some();
    if others {
        errors.error(
            place,
            "expected SELECT ... FROM ... WHERE ... GROUP BY ... HAVING ... and no other clause",
        );
    }
}
