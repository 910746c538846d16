CREATE TABLE visits (user_id TEXT NOT NULL, page TEXT, ts TIMESTAMP NOT NULL) WITH (key = 'user_id', watermark_delay = '2 seconds');
CREATE TABLE orders (buyer TEXT NOT NULL, status TEXT NOT NULL, amount DOUBLE, ts TIMESTAMP NOT NULL) WITH (key = 'buyer', watermark_delay = '5 seconds');
CREATE VIEW visitors AS SELECT user_id, count(*) AS visits FROM visits GROUP BY user_id, TUMBLE(ts, INTERVAL '1' MINUTE);
CREATE VIEW buyers AS
SELECT buyer, sum(amount) AS paid, paid / count(*) AS each FROM orders WHERE status = 'paid'
GROUP BY buyer, TUMBLE(ts, INTERVAL '1' MINUTE) HAVING paid > 10;
CREATE VIEW cancellers AS
SELECT buyer, count(*) AS cancelled FROM orders WHERE status = 'cancelled' GROUP BY buyer, TUMBLE(ts, INTERVAL '1' MINUTE);
CREATE VIEW inner_join WITH (topic = 'joined') AS
SELECT v.user_id, v.visits, b.paid, b.paid / v.visits AS a_visit, window_end
FROM visitors AS v JOIN buyers AS b ON v.user_id = b.buyer AND v.window_start = b.window_start AND v.window_end = b.window_end
WHERE v.visits > 1;
CREATE VIEW left_join AS
SELECT user_id, visits, paid FROM visitors LEFT JOIN buyers
ON visitors.user_id = buyers.buyer AND visitors.window_end = buyers.window_end;
CREATE VIEW one_table AS
SELECT * FROM buyers FULL JOIN cancellers USING (buyer, window_start, window_end);
CREATE VIEW three AS
SELECT v.user_id, b.each, c.cancelled FROM visitors v
LEFT JOIN buyers b ON v.user_id = b.buyer AND v.window_end = b.window_end
LEFT JOIN cancellers c ON v.user_id = c.buyer AND v.window_end = c.window_end;
