import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { SMTPServer } from "smtp-server";
import type { AlertEmail } from "../../../../model";
import type { Alert } from "../../../../payloads/alerting/core/ledger";
import { type Output, Refusal } from "../../../../payloads/alerting/outbox";
import {
  emailOutput,
  signatureOf,
  topicOutput,
  webhookOutput,
} from "../../../../payloads/alerting/outputs";
import type { OutRecord } from "../../../../payloads/lib/records";
import { waitFor } from "../../../support/wait";

const alert: Alert = {
  ...{ id: "hot/a@2026-11-28T20:00:00.000Z", status: "firing", rule: "hot", type: "threshold" },
  ...{ severity: "warning", subject: "a", summary: "a: temperatureC is 90 (limit 80)", value: 90 },
  ...{ since: "2026-11-28T20:00:00.000Z", at: "2026-11-28T20:00:01.000Z", told: 1, members: [] },
};
const never = new AbortController().signal;
const deliver = (output: Output): Promise<void> => output.deliver(alert, never);

test("a record has the alert's key, so that all about one alert stays in order", async () => {
  const sent: OutRecord[] = [];
  const producer = {
    send: (records: readonly OutRecord[]) => Promise.resolve(void sent.push(...records)),
    close: () => Promise.resolve(),
  };
  await deliver(topicOutput("alerts", producer));
  expect(sent).toEqual([
    {
      ...{ topic: "alerts", key: "hot/a", value: Buffer.from(JSON.stringify(alert)) },
      headers: { "alert.delivery": "hot/a@2026-11-28T20:00:00.000Z/firing/1" },
    },
  ]);
});

describe("the webhook", () => {
  let server: Server;
  let url: string;
  let status = 204;
  const got: { headers: IncomingHttpHeaders; body: string; method: string | undefined }[] = [];

  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = "";
      request.on("data", (part: Buffer) => (body += part.toString()));
      request.on("end", () => {
        got.push({ headers: request.headers, body, method: request.method });
        response.writeHead(status, status === 302 ? { location: url } : {}).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
  });
  beforeEach(() => {
    status = 204;
    got.length = 0;
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test("gets the alert as JSON, signed with time stamp and body", async () => {
    await deliver(webhookOutput({ url, secret: "it is secret" }, () => 1_795_000_000_400));
    const [{ headers, body, method } = { headers: {}, body: "", method: "" }] = got;
    expect(method).toBe("POST");
    expect(JSON.parse(body)).toEqual(alert);
    expect(headers).toMatchObject({
      "content-type": "application/json",
      "x-pi-lab-delivery": "hot/a@2026-11-28T20:00:00.000Z/firing/1",
      "x-pi-lab-timestamp": "1795000000",
      "x-pi-lab-signature": signatureOf("it is secret", 1_795_000_000, body),
    });
    expect(JSON.stringify(headers)).not.toContain("it is secret");
  });

  test("has the signature that OpenSSL makes", () => {
    // printf '1795000000.{}' | openssl dgst -sha256 -hmac key
    expect(signatureOf("key", 1_795_000_000, "{}")).toBe(
      "v1=71f6cd81e7ac967a6bfd8d621347e9ee7792b1fde3a9a64c3161a631437c7fb6",
    );
  });

  test("gets none where there is no secret", async () => {
    await deliver(webhookOutput({ url }));
    expect(got[0]?.headers).not.toHaveProperty("x-pi-lab-signature");
  });

  test.each([500, 503, 429, 408, 425])("that answers %d is tried again", async (code) => {
    status = code;
    const failed = deliver(webhookOutput({ url }));
    await expect(failed).rejects.toThrow(`the server answers ${code}`);
    await expect(failed).rejects.not.toBeInstanceOf(Refusal);
  });

  test.each([400, 401, 404, 410, 302])("that answers %d has refused for good", async (code) => {
    status = code;
    await expect(deliver(webhookOutput({ url }))).rejects.toBeInstanceOf(Refusal);
    expect(got).toHaveLength(1);
  });

  test("that is not there is told with the system's own word", async () => {
    const gone = deliver(webhookOutput({ url: "http://127.0.0.1:9/hook" }));
    await expect(gone).rejects.toThrow(/ECONNREFUSED|bad port/);
  });
});

describe("mail", () => {
  const mails: { from: string; to: string[]; text: string }[] = [];
  let server: SMTPServer;
  let options: AlertEmail;

  beforeAll(async () => {
    server = new SMTPServer({
      authOptional: true,
      hideSTARTTLS: true,
      allowInsecureAuth: true,
      disableReverseLookup: true,
      onAuth: ({ username, password }, _session, done) =>
        username === "lab" && password === "right"
          ? done(null, { user: "lab" })
          : done(new Error("no such user")),
      onRcptTo: ({ address }, _session, done) =>
        address.startsWith("nobody")
          ? done(Object.assign(new Error("no such mailbox"), { responseCode: 550 }))
          : done(),
      onData: (stream, session, done) => {
        let text = "";
        stream.on("data", (part: Buffer) => (text += part.toString()));
        stream.on("end", () => {
          const { mailFrom, rcptTo } = session.envelope;
          const from = mailFrom === false ? "" : mailFrom.address;
          mails.push({ from, to: rcptTo.map(({ address }) => address), text });
          done();
        });
      },
    });
    await new Promise<void>((resolve) => {
      server.listen(0, "127.0.0.1", resolve);
    });
    const { port } = server.server.address() as AddressInfo;
    options = {
      ...{ server: "127.0.0.1", port, security: "none", from: "lab@example.org" },
      to: ["you@example.org", "me@example.org"],
    };
  });
  beforeEach(() => {
    mails.length = 0;
  });
  afterAll(() => new Promise<void>((resolve) => server.close(() => resolve())));

  test("says what is wrong in its subject, and all of it in its text", async () => {
    await deliver(emailOutput({ ...options, login: { username: "lab", password: "right" } }));
    const [mail] = mails;
    expect(mail).toMatchObject({ from: options.from, to: options.to });
    expect(mail?.text).toContain("Subject: [pi-lab] FIRING warning: a: temperatureC is 90");
    expect(mail?.text).toMatch(/Message-ID: <[0-9a-f]{32}@pi-lab>/);
    expect(mail?.text).toContain("Id:      hot/a@2026-11-28T20:00:00.000Z");
    expect(mail?.text).toContain("Value:   90");
  });

  test("is not sent in the clear where it is to be encrypted", async () => {
    await expect(deliver(emailOutput({ ...options, security: "starttls" }))).rejects.toThrow(
      /STARTTLS|certificate/i,
    );
    await expect(deliver(emailOutput({ ...options, security: "tls" }))).rejects.toThrow();
    expect(mails).toEqual([]);
  });

  test("with a wrong password is tried again, without a word of it", async () => {
    const login = { username: "lab", password: "hunter2-hunter2" };
    const failed = await deliver(emailOutput({ ...options, login })).catch((e: unknown) => e);
    expect(failed).toBeInstanceOf(Error);
    expect(failed).not.toBeInstanceOf(Refusal);
    expect(String(failed)).not.toContain("hunter2");
  });

  test("to nobody who is there is refused for good", async () => {
    const to = ["nobody@example.org"];
    await expect(deliver(emailOutput({ ...options, to }))).rejects.toBeInstanceOf(Refusal);
  });

  test("to a server that says a little again and again ends all the same", async () => {
    const said: string[] = [];
    let closed = 0;
    const sockets: Socket[] = [];
    const dripping = createTcpServer((socket) => {
      sockets.push(socket);
      socket.write("220 hello\r\n");
      const timer = setInterval(() => socket.write("250-still here\r\n"), 20);
      socket.on("data", (text) => said.push(String(text)));
      socket
        .on("error", () => {})
        .on("close", () => {
          clearInterval(timer);
          closed++;
        });
    });
    await new Promise<void>((resolve) => dripping.listen(0, "127.0.0.1", resolve));
    const { port } = dripping.address() as AddressInfo;
    let outcome: unknown;
    void deliver(emailOutput({ ...options, port }, 300)).catch((error: unknown) => {
      outcome = error;
    });
    try {
      const ended = () => Promise.resolve((closed === 1 && outcome) || undefined);
      await waitFor("the end", ended, { deadlineMs: 5_000, pauseMs: 5 });
    } finally {
      for (const socket of sockets) socket.destroy();
      dripping.close();
    }
    expect(String(outcome)).toBe("Error: no answer within 0.3 s");
    expect(outcome).not.toBeInstanceOf(Refusal);
    expect(said[0]).toMatch(/^EHLO /);
  });
});
