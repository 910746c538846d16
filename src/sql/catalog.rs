//! From files to a catalog.

use std::{
    fs, io,
    path::{Path, PathBuf},
    rc::Rc,
};

use sqlparser::ast::{CreateTable, CreateView, Statement};

use super::{
    draft, entrance,
    error::{Diagnostics, Place, SqlErrors, SqlFile},
    expr::Expr,
    fingerprint,
    known::{self, Known, ViewDraft},
    names,
    plan::{Catalog, Source, View, Window},
    statement::{self, Parsed, Statements},
    table::{self, TableDraft},
    view,
};

/// A catalog could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file or folder cannot be read.
    #[error("failed to read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A folder holds no SQL.
    #[error("failed to find SQL in {}: expected files that end in .sql", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// The SQL is wrong.
    #[error(transparent)]
    Sql(#[from] SqlErrors),
}

/// A file that was checked over a catalog.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What the file defines, what it needs of the catalog, and no more.
    pub catalog: Catalog,
    /// The names of the views that it defines itself.
    pub views: Vec<String>,
}

impl Catalog {
    /// Parses and checks files. Tables may stand in other files than the views that read them, and
    /// behind them. The errors are all that were found.
    pub fn parse(files: &[SqlFile]) -> Result<Self, SqlErrors> {
        let files: Vec<Rc<SqlFile>> = files.iter().cloned().map(Rc::new).collect();
        let mut errors = Diagnostics::default();
        let mut statements = Statements::default();
        for file in &files {
            statement::parse(file, &mut errors, &mut statements);
        }
        finish(&files, statements, errors)
    }

    /// Parses and checks a file that is not yet one of this catalog's. It may read the catalog's tables
    /// and views, and define them anew.
    pub fn parse_draft(&self, file: &SqlFile) -> Result<Draft, SqlErrors> {
        let mut files: Vec<Rc<SqlFile>> = self.files.iter().cloned().map(Rc::new).collect();
        let (mut errors, mut statements) = (Diagnostics::default(), Statements::default());
        for file in &files {
            // They have no mistakes: they are this catalog.
            statement::parse(file, &mut Diagnostics::default(), &mut statements);
        }
        let base = std::mem::take(&mut statements.parsed);
        let file = Rc::new(file.clone());
        statement::parse(&file, &mut errors, &mut statements);
        files.push(file);
        let views = draft::views(&statements);
        draft::add_needed(base, &mut statements);
        Ok(Draft { catalog: finish(&files, statements, errors)?, views })
    }

    /// Loads a .sql file, or all of them in a folder, in the order of their names.
    pub fn load(path: &Path) -> Result<Self, LoadError> {
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| LoadError::Read { path, source }
        };
        let mut paths = Vec::new();
        if fs::metadata(path).map_err(failed(path))?.is_dir() {
            for entry in fs::read_dir(path).map_err(failed(path))? {
                let file = entry.map_err(failed(path))?.path();
                if file.extension().is_some_and(|extension| extension == "sql") && file.is_file() {
                    paths.push(file);
                }
            }
            paths.sort();
            if paths.is_empty() {
                return Err(LoadError::Empty { path: path.to_owned() });
            }
        } else {
            paths.push(path.to_owned());
        }
        let read = |path: &PathBuf| {
            let text = fs::read_to_string(path).map_err(failed(path))?;
            Ok(SqlFile { name: path.display().to_string(), text })
        };
        let files = paths.iter().map(read).collect::<Result<Vec<_>, LoadError>>()?;
        Ok(Self::parse(&files)?)
    }

    /// What is allowed but may not be meant, one sentence each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        for view in &self.views {
            warnings.extend(self.running_warning(view));
            let what = match view.window {
                Window::Session { .. } => "sessions, which need",
                Window::Over { .. } => "OVER, which needs",
                Window::Match { .. } => "MATCH_RECOGNIZE, which needs",
                Window::Grid { .. } | Window::Event | Window::Running => continue,
            };
            for table in view.sources.iter().filter_map(|source| source.table(self)) {
                if table.key.is_none() {
                    warnings.push(format!(
                        "view \"{}\" has {what} each key's events in one partition; add key = '...' to \
                         table \"{}\" to have this checked",
                        view.name, table.name
                    ));
                }
            }
        }
        warnings
    }

    /// A row of a view without windows is put together from all partitions that may have its key.
    fn running_warning(&self, view: &View) -> Option<String> {
        let is_keyed = |source: &Source| {
            let key = source.table(self).and_then(|table| table.key);
            key.is_some_and(|key| source.keys.contains(&Expr::Column(key)))
        };
        let is_costly = view.window == Window::Running && !view.sources.iter().all(is_keyed);
        is_costly.then(|| {
            format!(
                "view \"{}\" has no window and is not grouped by the key of its topic: each batch reads what all \
                 partitions know; key the topic by what is grouped by",
                view.name
            )
        })
    }
}

fn finish(
    files: &[Rc<SqlFile>],
    statements: Statements,
    mut errors: Diagnostics,
) -> Result<Catalog, SqlErrors> {
    let mut catalog = check(statements, &mut errors);
    catalog.files = files.iter().map(|file| SqlFile::clone(file)).collect();
    errors.finish(files, catalog)
}

fn check(statements: Statements, errors: &mut Diagnostics) -> Catalog {
    let Statements { parsed, mut broken } = statements;
    let mut tables = Vec::new();
    let mut views = Vec::new();
    for Parsed { statement, place } in parsed {
        match statement {
            Statement::CreateTable(create) => tables.push((create, place)),
            Statement::CreateView(create) => views.push((create, place)),
            other => {
                let text = other.to_string();
                let verb = text.split_whitespace().next().unwrap_or_default();
                errors.error(&place, format!("found {verb} ...; expected CREATE TABLE or CREATE VIEW"));
            }
        }
    }
    check_names(&tables, &views, errors);
    let drafts = check_tables(&tables, &mut broken, errors);
    let views = check_views(&views, &drafts, &broken, errors);
    let tables = drafts.into_iter().map(|draft| draft.table).collect();
    let mut catalog = Catalog { tables, views, files: Vec::new() };
    // With mistakes there is no catalog, and views may be missing.
    if !errors.is_empty() {
        return catalog;
    }
    let fingerprints: Vec<u64> = catalog.views.iter().map(|view| fingerprint::of(view, &catalog)).collect();
    for (view, fingerprint) in catalog.views.iter_mut().zip(fingerprints) {
        view.fingerprint = fingerprint;
    }
    catalog
}

/// Tables and views share one space of names.
fn check_names(tables: &[(CreateTable, Place)], views: &[(CreateView, Place)], errors: &mut Diagnostics) {
    let tables = tables.iter().map(|(create, place)| (&create.name, place));
    let all = tables.chain(views.iter().map(|(create, place)| (&create.name, place)));
    let mut seen: Vec<(String, Place)> = Vec::new();
    for (name, place) in all {
        let Some(ident) = names::single(name) else { continue };
        let place = place.at(name);
        match seen.iter().find(|(other, _)| names::same(other, &ident.value)) {
            Some((_, first)) => {
                let message =
                    format!("the name \"{}\" is taken by {}; expected another", ident.value, first.name());
                errors.error(&place, message);
            }
            None => seen.push((ident.value.clone(), place)),
        }
    }
}

/// Checks views, each behind those that it reads. Without mistakes all of them are there, in the order
/// of their statements.
fn check_views(
    statements: &[(CreateView, Place)],
    tables: &[TableDraft],
    broken: &[String],
    errors: &mut Diagnostics,
) -> Vec<View> {
    let name =
        |create: &CreateView| names::single(&create.name).map_or_else(String::new, |name| name.value.clone());
    let mut drafts: Vec<_> =
        statements.iter().map(|(create, _)| ViewDraft { name: name(create), view: None }).collect();
    let mut pending: Vec<usize> = (0..statements.len()).collect();
    while !pending.is_empty() {
        let waits = |index: &usize| {
            statements.get(*index).is_some_and(|(create, _)| {
                let names = known::names_in(&create.query.body);
                names.iter().any(|name| {
                    pending.iter().any(|other| {
                        drafts.get(*other).is_some_and(|draft| names::same(&draft.name, &name.value))
                    })
                })
            })
        };
        let (waiting, ready): (Vec<usize>, Vec<usize>) = pending.iter().copied().partition(waits);
        if ready.is_empty() {
            for (create, place) in waiting.iter().filter_map(|index| statements.get(*index)) {
                let message = format!("view {} reads itself, directly or through others", create.name);
                errors.error(&place.at(&create.name), message);
            }
            break;
        }
        for index in ready {
            let Some((create, place)) = statements.get(index) else { continue };
            let view = view::check(create, Known { tables, broken, views: &drafts }, place, errors);
            if let Some(draft) = drafts.get_mut(index) {
                draft.view = view;
            }
        }
        pending = waiting;
    }
    drafts.into_iter().filter_map(|draft| draft.view).collect()
}

fn check_tables(
    statements: &[(CreateTable, Place)],
    broken: &mut Vec<String>,
    errors: &mut Diagnostics,
) -> Vec<TableDraft> {
    let mut drafts: Vec<TableDraft> = Vec::new();
    for (create, place) in statements {
        let Some(draft) = table::check(create, place, errors) else {
            broken.extend(names::single(&create.name).map(|name| name.value.clone()));
            continue;
        };
        if let Some(first) = drafts.iter().find(|other| other.table.topic == draft.table.topic) {
            let message = format!(
                "topic \"{}\" is described by table \"{}\" ({}) already; expected one table a topic",
                draft.table.topic,
                first.table.name,
                first.place.name()
            );
            errors.error(&draft.place, message);
        }
        drafts.push(draft);
    }
    entrance::check_all(drafts.iter().map(|draft| (&draft.table, &draft.place)), errors);
    drafts
}
