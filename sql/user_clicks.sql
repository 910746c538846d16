-- User clicks: how often each user has clicked so far, for ever, from lines of text to rows and to sentences.

CREATE TABLE user_clickstream (user_id BIGINT NOT NULL, url TEXT NOT NULL, ts TIMESTAMP NOT NULL)
WITH (topic = 'user_clickstream', key = 'user_id',
      format = 'text', pattern = 'User {user_id} clicked on {url} at {ts}');

CREATE VIEW user_click_aggregation WITH (
  topic = 'user_click_aggregation', text_topic = 'user_click_sentences',
  template = 'User {user_id} has clicked {clicks} times.'
) AS
SELECT user_id, count(*) AS clicks FROM user_clickstream GROUP BY user_id;
