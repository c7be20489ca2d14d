// What a program on @platformatic/kafka does, in one walk.
// usage: NODE_PATH=node_modules node platformatic_walk.js HOST:PORT walk|transactions|consumer_protocol
const assert = require('node:assert');
const { Admin, Consumer, Producer, stringDeserializers, stringSerializers } = require('@platformatic/kafka');

const DEADLINE_MS = 60_000;
const [broker, part] = process.argv.slice(2);
const common = { clientId: 'walk', bootstrapBrokers: [broker], strict: true, connectTimeout: DEADLINE_MS };

async function until(condition, what) {
    const end = Date.now() + DEADLINE_MS;
    while (!(await condition())) {
        assert(Date.now() < end, `waited for ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 20));
    }
}

function producing(more) {
    return new Producer({ ...common, serializers: stringSerializers, ...more });
}

async function reading(groupId, topic, got, more = {}) {
    const consumer = new Consumer({ ...common, groupId, deserializers: stringDeserializers, maxWaitTime: 100, ...more });
    const stream = await consumer.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest', autocommit: 100 });
    stream.on('data', (message) => got.push(message));
    return { consumer, stream, owned: () => consumer.assignments?.find((one) => one.topic === topic)?.partitions ?? [] };
}

async function leave({ consumer, stream }) {
    await stream.close();
    await consumer.close(true);
}

async function group(admin, topic, wanted, settings) {
    const got = [];
    const first = await reading(topic, topic, got, settings);
    await until(() => got.length >= wanted.length, 'all records');
    assert.deepStrictEqual(got.map((message) => message.value).sort(), [...wanted].sort());
    assert(got.every((message) => message.headers.get('n') === message.value));
    const commits = async () => (await admin.listConsumerGroupOffsets({ groups: [topic] }))[0].topics.flatMap((one) => one.partitions);
    // What moves on before it is committed is read again.
    await until(async () => `${(await commits()).map((one) => one.committedOffset)}` === '250,250', 'the commits');
    const second = await reading(topic, topic, got, settings);
    await until(() => first.owned().length === 1 && second.owned().length === 1, 'one partition for each member');
    assert.deepStrictEqual([...first.owned(), ...second.owned()].sort(), [0, 1]);
    await leave(first);
    await until(() => second.owned().length === 2, 'both partitions for the member that stays');
    await leave(second);
    assert.strictEqual(got.length, wanted.length, 'a record was read twice');
}

async function filled(admin, topic) {
    await admin.createTopics({ topics: [topic], partitions: 2, replicas: 1, configs: [{ name: 'retention.ms', value: '1234567' }] });
    const wanted = [];
    const producer = producing({ idempotent: true, acks: -1 });
    for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
        const messages = [];
        for (let n = 0; n < 100; n++) {
            const value = `${compression} ${n}`;
            messages.push({ topic, value, partition: n % 2, headers: { n: value } });
            wanted.push(value);
        }
        await producer.send({ messages, compression });
    }
    await producer.close();
    return wanted;
}

async function walk() {
    const topic = `platformatic-${Date.now()}`;
    const admin = new Admin(common);
    const wanted = await filled(admin, topic);
    await assert.rejects(admin.createTopics({ topics: [topic], partitions: 2, replicas: 1 }));
    assert((await admin.listTopics()).includes(topic));
    await group(admin, topic, wanted, { sessionTimeout: 30_000, heartbeatInterval: 200 });

    const [{ topics: committed }] = await admin.listConsumerGroupOffsets({ groups: [topic] });
    assert.deepStrictEqual(committed[0].partitions.map((one) => one.committedOffset), [250n, 250n]);
    assert.strictEqual((await admin.describeGroups({ groups: [topic] })).get(topic).state, 'Empty');
    assert((await admin.listGroups()).has(topic));
    const [described] = await admin.describeConfigs({ resources: [{ resourceType: 2, resourceName: topic, configurationKeys: null }] });
    assert.strictEqual(described.configs.find((one) => one.name === 'retention.ms').value, '1234567');
    await admin.deleteRecords({ topics: [{ name: topic, partitions: [{ partition: 1, offset: 40n }] }] });
    const [listed] = await admin.listOffsets({ topics: [{ name: topic, partitions: [{ partitionIndex: 1, timestamp: -2n }] }] });
    assert.strictEqual(listed.partitions[0].offset, 40n);
    await admin.createPartitions({ topics: [{ name: topic, count: 3 }] });
    assert.strictEqual((await admin.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic).partitionsCount, 3);
    await admin.deleteGroups({ groups: [topic] });
    await admin.deleteTopics({ topics: [topic] });
    await until(async () => !(await admin.listTopics()).includes(topic), 'the topic to be gone');
    await admin.close();
}

async function consumerProtocol() {
    const topic = `platformatic-new-${Date.now()}`;
    const admin = new Admin(common);
    await group(admin, topic, await filled(admin, topic), { groupProtocol: 'consumer' });
    await admin.close();
}

async function transactions() {
    const topic = `platformatic-txn-${Date.now()}`;
    const admin = new Admin(common);
    await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 });
    const producer = producing({ transactionalId: topic, idempotent: true, retries: 120, retryDelay: 500 }); // while the one before has yet to end
    for (const fate of ['dropped', 'kept']) {
        const transaction = await producer.beginTransaction();
        await transaction.send({ messages: Array.from({ length: 10 }, () => ({ topic, value: fate, partition: 0 })) });
        await (fate === 'kept' ? transaction.commit() : transaction.abort());
    }
    await producer.close();
    const fates = { 0: [...Array(10).fill('dropped'), ...Array(10).fill('kept')], 1: Array(10).fill('kept') };
    for (const [isolationLevel, wanted] of Object.entries(fates)) {
        const got = [];
        const reader = await reading(`${topic}-${isolationLevel}`, topic, got, { isolationLevel: Number(isolationLevel) });
        await until(() => got.length >= wanted.length, `records of isolation level ${isolationLevel}`);
        assert.deepStrictEqual(got.map((message) => message.value), wanted);
        await leave(reader);
    }
    await admin.close();
}

({ walk, transactions, consumer_protocol: consumerProtocol })[part]().then(
    () => console.log('ok'),
    (error) => {
        console.error(error, error.errors);
        process.exit(1);
    },
);
