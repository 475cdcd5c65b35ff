import { writeFileSync } from "node:fs";

import { waitFor } from "../wait";
import type { DevToolsEvent, DevToolsPipe } from "./pipe";

/** What a page may be asked to look like. */
export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly scheme?: "light" | "dark";
  readonly isMotionReduced?: boolean;
}

/** A page in the browser, and all that went wrong on it. */
export class BrowserPage {
  /** Errors and warnings of the console, uncaught exceptions, violations of the policy, failed loads. */
  readonly complaints: string[] = [];
  /** Every address that was asked for. */
  readonly requests: string[] = [];
  private size = { width: 0, height: 0 };

  private constructor(
    private readonly pipe: DevToolsPipe,
    private readonly session: string,
    private readonly target: string,
  ) {}

  static async load(
    pipe: DevToolsPipe,
    session: string,
    target: string,
    url: string,
    view: { readonly width: number; readonly height: number },
  ): Promise<BrowserPage> {
    const page = new BrowserPage(pipe, session, target);
    pipe.on((event) => {
      if (event.sessionId === session) page.hear(event);
    });
    for (const domain of ["Page", "Runtime", "Network", "Log", "Audits"]) {
      await page.send(`${domain}.enable`);
    }
    await page.show(view);
    await page.send("Page.navigate", { url });
    return page;
  }

  /** Another screen, or a user with other wishes. */
  async show({ width, height, scheme, isMotionReduced }: Look): Promise<void> {
    this.size = { width: width ?? this.size.width, height: height ?? this.size.height };
    await this.send("Emulation.setDeviceMetricsOverride", {
      ...this.size,
      deviceScaleFactor: 1,
      mobile: false,
    });
    const features = [
      ...(scheme === undefined ? [] : [{ name: "prefers-color-scheme", value: scheme }]),
      ...(isMotionReduced === undefined
        ? []
        : [
            { name: "prefers-reduced-motion", value: isMotionReduced ? "reduce" : "no-preference" },
          ]),
    ];
    await this.send("Emulation.setEmulatedMedia", { features });
  }

  /** The value of an expression, as JSON has it. */
  async evaluate<T>(expression: string): Promise<T> {
    const answer = await this.send("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    const { exceptionDetails, result } = answer as {
      readonly exceptionDetails?: { readonly exception?: { readonly description?: string } };
      readonly result: { readonly value: T };
    };
    if (exceptionDetails !== undefined) {
      throw new Error(`${expression}: ${exceptionDetails.exception?.description}`);
    }
    return result.value;
  }

  /** Waits until an expression is true. */
  async until(expression: string, deadlineMs = 15_000): Promise<void> {
    let last: unknown;
    await waitFor(
      `the page: ${expression}`,
      async () => {
        last = await this.evaluate(`Boolean(${expression})`);
        return last === true ? true : undefined;
      },
      { deadlineMs, pauseMs: 50 },
    );
  }

  /** What stands in the first element that a selector finds; spaces are as one reads them. */
  async text(selector: string): Promise<string> {
    const found = `document.querySelector(${JSON.stringify(selector)})`;
    return this.evaluate(`${found}?.textContent.replace(/\\s+/g, " ").trim() ?? "(none)"`);
  }

  async count(selector: string): Promise<number> {
    return this.evaluate(`document.querySelectorAll(${JSON.stringify(selector)}).length`);
  }

  async press(key: string): Promise<void> {
    for (const type of ["keyDown", "keyUp"]) {
      await this.send("Input.dispatchKeyEvent", { type, key, code: key });
    }
  }

  /** A picture of what is seen, or of all that could be scrolled to; as a PNG. */
  async screenshot(file: string, isWhole = false): Promise<Buffer> {
    const height = isWhole
      ? await this.evaluate<number>("document.documentElement.scrollHeight")
      : this.size.height;
    const clip = { x: 0, y: 0, width: this.size.width, height, scale: 1 };
    const answer = await this.send("Page.captureScreenshot", {
      format: "png",
      clip,
      captureBeyondViewport: isWhole,
    });
    const image = Buffer.from(answer["data"] as string, "base64");
    writeFileSync(file, image);
    return image;
  }

  async close(): Promise<void> {
    await this.pipe.send("Target.closeTarget", { targetId: this.target });
  }

  private send(method: string, params: Readonly<Record<string, unknown>> = {}) {
    return this.pipe.send(method, params, this.session);
  }

  private hear({ method, params }: DevToolsEvent): void {
    switch (method) {
      case "Network.requestWillBeSent":
        this.requests.push((params["request"] as { url: string }).url);
        return;
      case "Runtime.exceptionThrown": {
        const { exception, text } = params["exceptionDetails"] as {
          text: string;
          exception?: { description?: string };
        };
        this.complaints.push(`exception: ${exception?.description ?? text}`);
        return;
      }
      case "Runtime.consoleAPICalled":
        this.complaints.push(
          `console.${String(params["type"])}: ${JSON.stringify(params["args"])}`,
        );
        return;
      case "Log.entryAdded": {
        const { level, text, url } = params["entry"] as Record<string, string>;
        if (level === "error" || level === "warning")
          this.complaints.push(`${level}: ${text} ${url ?? ""}`);
        return;
      }
      case "Audits.issueAdded":
        this.complaints.push(`issue: ${JSON.stringify(params["issue"])}`);
        return;
      default:
        return;
    }
  }
}
