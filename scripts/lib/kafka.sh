# shellcheck shell=bash disable=SC2154
# Apache Kafka from Maven Central, for recipes that source this. They have `skip REASON`, and `tools`, the folder for what is
# installed. Needs Java 17 or newer and Maven, which are installed with apt where that may be.

# MSK offers it.
kafka=4.1.1

has_java() {
  local version
  version=$(java -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p') && [ "${version:-0}" -ge 17 ] && command -v mvn >/dev/null
}

find_java() {
  has_java && return
  { [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; } || skip "there is no Java 17 with Maven"
  echo "installing Java and Maven"
  { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends default-jdk-headless maven; } \
    >"$tools/apt.log" 2>&1 || skip "Java and Maven can't be installed"
  has_java || skip "there is no Java 17 with Maven, nor has apt one"
}

# Kafka's own jars, and a logger that writes to standard error. Sets `jars`, the folder.
find_kafka() {
  jars=$tools/kafka-$kafka
  [ -f "$jars/complete" ] && return
  echo "installing Apache Kafka $kafka into $jars"
  mkdir -p "$jars"
  cat >"$jars/pom.xml" <<XML
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>weir</groupId><artifactId>end-to-end</artifactId><version>1</version>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$kafka</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
XML
  mvn --quiet --batch-mode --file "$jars/pom.xml" \
    org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory="$jars" >"$tools/mvn.log" 2>&1 \
    || skip "Apache Kafka can't be had from Maven Central: $(grep -m 1 ERROR "$tools/mvn.log" || echo unknown)"
  touch "$jars/complete"
}
