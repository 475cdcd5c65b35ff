import { createHash, createHmac } from "node:crypto";
import { createTransport } from "nodemailer";
import type { AlertEmail, AlertWebhook } from "../../model";
import { causeOf } from "../lib/ask";
import { DeadlineError, withDeadline } from "../lib/deadline";
import type { RecordProducer } from "../lib/records";
import type { Alert } from "./core/ledger";
import { type Output, Refusal } from "./outbox";

/** How long a web server may take to answer, ms. */
const WEBHOOK_MS = 5_000;
/** Limits of a mail server: to connect, to greet, and between two answers, ms. */
const SMTP_MS = { connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 };
/** Of all the talk with it for one mail, ms: one that says a little again and again keeps to the others. */
const MAIL_MS = 60_000;

/** One telling of an alert: whoever gets it twice knows it by this. */
const deliveryOf = ({ id, status, told }: Alert): string => `${id}/${status}/${told}`;

/** A Kafka topic. All about one alert has one key, so that it stays in order. */
export function topicOutput(topic: string, producer: RecordProducer): Output {
  return {
    name: "topic",
    deliver: (alert) =>
      producer.send([
        {
          topic,
          key: `${alert.rule}/${alert.subject}`,
          value: Buffer.from(JSON.stringify(alert)),
          headers: { "alert.delivery": deliveryOf(alert) },
        },
      ]),
  };
}

/** `v1=` and the hexadecimal HMAC-SHA256 of time stamp (epoch seconds), a dot, and the body. */
export function signatureOf(secret: string, timestamp: number, body: string): string {
  return `v1=${createHmac("sha256", secret).update(`${timestamp}.${body}`).digest("hex")}`;
}

/** POSTs each alert as JSON. 2xx: taken. 408, 425, 429, 5xx and no answer: tried again. Else: refused. */
export function webhookOutput({ url, secret }: AlertWebhook, now = Date.now): Output {
  return {
    name: "webhook",
    async deliver(alert, signal) {
      const body = JSON.stringify(alert);
      const timestamp = Math.floor(now() / 1000);
      const headers = {
        "content-type": "application/json",
        "user-agent": "pi-lab-alerting",
        "x-pi-lab-delivery": deliveryOf(alert),
        "x-pi-lab-timestamp": String(timestamp),
        ...(secret !== undefined && {
          "x-pi-lab-signature": signatureOf(secret, timestamp, body),
        }),
      };
      // What is signed for one address is not for another.
      const request = { method: "POST", body, headers, redirect: "manual" } as const;
      const response = await withDeadline(WEBHOOK_MS, signal, (over) =>
        fetch(url, { ...request, signal: over }),
      ).catch((error: unknown) => {
        throw new Error(causeOf(error), { cause: error });
      });
      // Its length is not ours to bound, and nobody reads it; what breaks now changes nothing of the answer.
      await response.body?.cancel().catch(() => {});
      if (response.ok) return;
      const answer = `the server answers ${response.status}`;
      const { status } = response;
      if (status >= 500 || [408, 425, 429].includes(status)) throw new Error(answer);
      throw new Refusal(answer);
    },
  };
}

/** @param limitMs of all that is said for one mail */
export function emailOutput(options: AlertEmail, limitMs = MAIL_MS): Output {
  const { server, port, security, from, to, login } = options;
  const transport = createTransport({
    host: server,
    port,
    secure: security === "tls",
    requireTLS: security === "starttls",
    ignoreTLS: security === "none",
    ...(login && { auth: { user: login.username, pass: login.password } }),
    ...SMTP_MS,
    // An alert is text of ours: nothing in it names a file or an address to fetch.
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    name: "email",
    async deliver(alert, signal) {
      const hash = createHash("sha256").update(deliveryOf(alert)).digest("hex").slice(0, 32);
      try {
        const { status, severity, summary } = alert;
        const subject = `[pi-lab] ${status.toUpperCase()} ${severity}: ${summary}`.slice(0, 200);
        // The same mail again has the same.
        const messageId = `<${hash}@pi-lab>`;
        const mail = { from, to: [...to], subject, text: mailText(alert), messageId };
        await withDeadline(limitMs, signal, (over) =>
          transport.sendMail({ ...mail, signal: over }),
        );
      } catch (error) {
        const { code, responseCode, message, cause } = error as SmtpError;
        const isLate = cause instanceof DeadlineError;
        const words = isLate ? cause.message : [code, message].filter(Boolean).join(": ");
        // 5xx to the message or to all who are to get it; a login that is refused may be mended.
        const isAboutMail = code === "EMESSAGE" || code === "EENVELOPE";
        const isFinal = responseCode !== undefined && responseCode >= 500 && isAboutMail;
        throw isFinal ? new Refusal(words) : new Error(words, { cause: error });
      }
    },
  };
}

interface SmtpError extends Error {
  readonly code?: string;
  readonly responseCode?: number;
}

function mailText(alert: Alert): string {
  const { summary, rule, subject, since, at, told, members, id, value } = alert;
  const lines = [
    summary,
    "",
    `Rule:    ${rule}`,
    `Subject: ${subject}`,
    ...(value === null ? [] : [`Value:   ${value}`]),
    ...(members.length === 0 ? [] : [`Members: ${members.join(", ")}`]),
    `Since:   ${since}`,
    `Told:    ${at}${told > 1 ? ` (for the ${told}. time)` : ""}`,
    `Id:      ${id}`,
  ];
  return `${lines.join("\n")}\n`;
}
