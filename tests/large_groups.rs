//! The promise: what one key has may be larger than an item of the store. (The store in memory refuses
//! what DynamoDB would.)

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test that panics has failed")]

mod support {
    pub(crate) mod catalog;
    pub(crate) mod world;
}

use rand::{Rng, SeedableRng, rngs::StdRng};
use support::world::{World, block_on};
use weir::engine::Reader;

const SQL: &str = "
  CREATE TABLE visits (page TEXT NOT NULL, user TEXT NOT NULL, ts TIMESTAMP NOT NULL)
    WITH (event_time = 'ts');
  CREATE VIEW uniques WITH (topic = 'results') AS
  SELECT page, count(*) AS visits, count(DISTINCT user) AS users, max(user) AS last_user
  FROM visits GROUP BY page, TUMBLE(ts, INTERVAL '10' SECOND);";

fn world() -> World {
    let world = World::new(SQL);
    world.broker.set("visits", 0, 0, 1_000_000);
    world
}

fn visit(page: &str, user: &str, ts: i64) -> String {
    format!("{{\"page\":\"{page}\",\"user\":\"{user}\",\"ts\":{ts}}}")
}

fn absorb(world: &World, from: i64, visits: &[String]) {
    let visits: Vec<_> = visits.iter().map(String::as_str).collect();
    let absorbed = world.absorb("visits", 0, from, &visits);
    assert_eq!((absorbed.dead, absorbed.late, absorbed.skipped), (0, 0, 0));
}

/// Text that does not compress.
fn noise(random: &mut StdRng, len: usize) -> String {
    (0..len).map(|_| char::from(random.random_range(b'a'..=b'z'))).collect()
}

#[test]
fn one_page_with_more_distinct_users_than_an_item_holds() {
    let mut world = world();
    let mut random = StdRng::seed_from_u64(1);
    let users: Vec<String> = (0..60_000).map(|_| noise(&mut random, 20)).collect();
    let visits: Vec<String> = users.iter().map(|user| visit("/home", user, 1_000_000)).collect();
    let half = i64::try_from(visits.len() / 2).unwrap();
    absorb(&world, 0, &visits[..visits.len() / 2]);
    // A process that starts cold reads the pieces, and adds to what is in them.
    world.restart();
    absorb(&world, half, &visits[visits.len() / 2..]);
    world.restart();
    absorb(&world, 2 * half, &visits[..1000]);
    absorb(&world, 2 * half + 1000, &[visit("/", "last", 1_020_000)]);
    let rows = world.rows("results");
    assert_eq!((rows.len(), &rows[0]["visits"], &rows[0]["users"]), (1, &61_000.into(), &60_000.into()));
}

#[test]
fn keys_and_values_of_a_megabyte() {
    let mut world = world();
    let mut random = StdRng::seed_from_u64(2);
    let (page, user) = (noise(&mut random, 1 << 20), noise(&mut random, 1 << 20));
    absorb(&world, 0, &[visit("/", "u", 1_000_000), visit(&page, &user, 1_000_000)]);
    world.restart();
    absorb(&world, 2, &[visit(&page, "u", 1_000_001), visit("/", "u", 1_020_000)]);
    let rows = world.rows("results");
    let large = rows.iter().find(|row| row["page"] == page).unwrap();
    assert_eq!(
        (&large["visits"], &large["users"], &large["last_user"]),
        (&2.into(), &2.into(), &user.max("u".into()).into())
    );
    let small = rows.iter().find(|row| row["page"] == "/").unwrap();
    assert_eq!(small["visits"], 1);
    let reader = Reader::new(world.catalog.clone(), world.store.clone());
    let shown = block_on(reader.all(&world.catalog.views[0])).unwrap();
    assert_eq!((shown.len(), world.status().partitions.len()), (2, 1), "the API shows both pages");
}
