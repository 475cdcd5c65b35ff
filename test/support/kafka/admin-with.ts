import type { KafkaAdmin } from "../../../provider/admin/port";

/** An admin that answers these questions, and fails at every other one. */
export function adminWith(methods: Partial<KafkaAdmin>): KafkaAdmin {
  return new Proxy(methods, {
    get: (known, method: string) =>
      (Reflect.get(known, method) as unknown) ??
      (() => Promise.reject(new Error(`${method}: nobody should have asked`))),
  }) as KafkaAdmin;
}
