// What a program on kafkajs does, in one walk. usage: NODE_PATH=node_modules node kafkajs_walk.js HOST:PORT walk|transactions
const assert = require('node:assert');
const { CompressionTypes, CompressionCodecs, Kafka, logLevel } = require('kafkajs');
CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy');

const DEADLINE_MS = 60_000;
const patient = { connectionTimeout: DEADLINE_MS, requestTimeout: DEADLINE_MS, logLevel: logLevel.NOTHING };

async function until(condition, what) {
    const end = Date.now() + DEADLINE_MS;
    while (!(await condition())) {
        assert(Date.now() < end, `waited for ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

async function member(kafka, topic, got) {
    const consumer = kafka.consumer({
        groupId: topic,
        heartbeatInterval: 200,
        sessionTimeout: 30_000,
        maxWaitTimeInMs: 200,
    });
    const owned = { partitions: [] };
    consumer.on(consumer.events.GROUP_JOIN, (event) => (owned.partitions = event.payload.memberAssignment[topic] ?? []));
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ eachMessage: async ({ message }) => void got.push(message) });
    return { consumer, owned };
}

async function transactions(broker) {
    const kafka = new Kafka({ clientId: 'walk', brokers: [broker], ...patient });
    const topic = `kafkajs-txn-${Date.now()}`;
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] });
    const retry = { retries: 120, maxRetryTime: 500 }; // while the transaction before has yet to end
    const producer = kafka.producer({ transactionalId: topic, maxInFlightRequests: 1, idempotent: true, retry });
    await producer.connect();
    for (const fate of ['abort', 'commit']) {
        const transaction = await producer.transaction();
        await transaction.send({ topic, messages: Array.from({ length: 10 }, () => ({ value: fate })) });
        const offsets = { topics: [{ topic, partitions: [{ partition: 0, offset: '7' }] }] };
        await transaction.sendOffsets({ consumerGroupId: topic, ...offsets });
        await transaction[fate]();
    }
    await producer.disconnect();
    const committed = async () => (await admin.fetchOffsets({ groupId: topic, topics: [topic] }))[0].partitions[0].offset;
    await until(async () => (await committed()) === '7', 'the offset of the transaction'); // its marker may come after the answer
    for (const readUncommitted of [false, true]) {
        const got = [];
        const consumer = kafka.consumer({ groupId: `${topic}-${readUncommitted}`, readUncommitted, maxWaitTimeInMs: 200 });
        await consumer.connect();
        await consumer.subscribe({ topics: [topic], fromBeginning: true });
        await consumer.run({ eachMessage: async ({ message }) => void got.push(`${message.value}`) });
        const wanted = [...Array(readUncommitted ? 10 : 0).fill('abort'), ...Array(10).fill('commit')];
        await until(() => got.length >= wanted.length, 'records of transactions');
        await consumer.disconnect();
        assert.deepEqual(got, wanted);
    }
    await admin.disconnect();
    console.log('ok');
}

async function main(broker) {
    const kafka = new Kafka({ clientId: 'walk', brokers: [broker], ...patient });
    const topic = `kafkajs-${Date.now()}`;
    const admin = kafka.admin();
    await admin.connect();
    assert(await admin.createTopics({ topics: [{ topic, numPartitions: 2, configEntries: [{ name: 'retention.ms', value: '1000000' }] }] }));
    assert.equal(await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] }), false);
    assert((await admin.listTopics()).includes(topic));
    const cluster = await admin.describeCluster();
    assert.equal(cluster.brokers.length, 1);
    assert.equal(cluster.controller, cluster.brokers[0].nodeId);

    const wanted = [];
    const producer = kafka.producer({ idempotent: true });
    await producer.connect();
    for (const compression of [CompressionTypes.None, CompressionTypes.GZIP, CompressionTypes.Snappy]) {
        const messages = [];
        for (let i = 0; i < 100; i++)
            messages.push({ key: `${i}`, value: `${compression} ${i}`, partition: i % 2, headers: { n: `${i}` } });
        wanted.push(...messages.map((message) => message.value));
        await producer.send({ topic, compression, messages });
    }
    await producer.disconnect();

    const got = [];
    const first = await member(kafka, topic, got);
    await until(() => got.length >= wanted.length, 'all records');
    assert.deepEqual(got.map((message) => `${message.value}`).sort(), wanted.sort());
    assert(got.every((message) => `${message.headers.n}` === `${message.key}`));
    const commits = async () => (await admin.fetchOffsets({ groupId: topic, topics: [topic] }))[0].partitions.map((p) => p.offset);
    await until(async () => `${await commits()}` === '150,150', 'the commits'); // who moves on before them is read again
    const second = await member(kafka, topic, got);
    await until(() => first.owned.partitions.length === 1 && second.owned.partitions.length === 1, 'one partition each');
    assert.equal((await admin.describeGroups([topic])).groups[0].members.length, 2);
    await first.consumer.disconnect();
    await until(() => second.owned.partitions.length === 2, 'the survivor to own both partitions');
    await second.consumer.disconnect();
    assert.equal(got.length, wanted.length, 'nothing is read twice after the commit');

    const offsets = await admin.fetchTopicOffsets(topic);
    assert.deepEqual(offsets.map((o) => [o.partition, o.low, o.high]).sort(), [[0, '0', '150'], [1, '0', '150']]);
    assert.equal((await admin.fetchTopicOffsetsByTimestamp(topic, 0))[0].offset, '0');
    const kept = await admin.fetchOffsets({ groupId: topic, topics: [topic] });
    assert.deepEqual(kept[0].partitions.map((p) => p.offset), ['150', '150']);
    await admin.resetOffsets({ groupId: topic, topic, earliest: true });
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: '40' }] });
    assert.equal((await admin.fetchTopicOffsets(topic)).find((o) => o.partition === 0).low, '40');
    const described = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name: topic, configNames: ['retention.ms'] }] });
    assert.equal(described.resources[0].configEntries[0].configValue, '1000000');
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    assert((await admin.listGroups()).groups.some((group) => group.groupId === topic));
    await admin.deleteGroups([topic]);
    await admin.deleteTopics({ topics: [topic] });
    assert(!(await admin.listTopics()).includes(topic));
    await admin.disconnect();
    console.log('ok');
}

({ walk: main, transactions })[process.argv[3]](process.argv[2]).catch((failure) => {
    console.error(failure);
    process.exit(1);
});
