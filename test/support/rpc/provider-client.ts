import { credentials } from "@grpc/grpc-js";
import type { ServiceError } from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import type { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb";
import { Status } from "@pulumi/pulumi/proto/status_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import type { PropertyMap } from "../../../plugins/common/rpc";
import { fromStruct, toStruct } from "../../../plugins/common/rpc";

interface State {
  readonly id: string;
  readonly outputs: PropertyMap;
  readonly inputs: PropertyMap;
}

/** The engine's side of the provider protocol, in plain values. Enumerations stay numbers. */
export type ProviderClient = ReturnType<typeof connectProvider>;

export function connectProvider(port: number) {
  const max = 400 * 1024 * 1024;
  const client = new ResourceProviderClient(`127.0.0.1:${port}`, credentials.createInsecure(), {
    "grpc.max_receive_message_length": max,
    "grpc.max_send_message_length": max,
  });
  const call = <T>(
    start: (done: (error: ServiceError | null, response: T) => void) => unknown,
  ): Promise<T> =>
    new Promise((resolve, reject) => {
      start((error, response) => (error === null ? resolve(response) : reject(error)));
    });

  return {
    close: () => client.close(),

    handshake: (address: string) =>
      call<proto.ProviderHandshakeResponse>((done) =>
        client.handshake(new proto.ProviderHandshakeRequest().setEngineAddress(address), done),
      ),

    getPluginInfo: () => call<PluginInfo>((done) => client.getPluginInfo(new Empty(), done)),

    getSchema: async () =>
      (
        await call<proto.GetSchemaResponse>((done) =>
          client.getSchema(new proto.GetSchemaRequest(), done),
        )
      ).getSchema(),

    configure: (args: PropertyMap) =>
      call<proto.ConfigureResponse>((done) =>
        client.configure(new proto.ConfigureRequest().setArgs(toStruct(args)), done),
      ),

    cancel: () => call<Empty>((done) => client.cancel(new Empty(), done)),

    async check(urn: string, olds: PropertyMap, news: PropertyMap) {
      const request = new proto.CheckRequest().setUrn(urn);
      request.setOlds(toStruct(olds)).setNews(toStruct(news));
      const response = await call<proto.CheckResponse>((done) => client.check(request, done));
      return {
        inputs: fromStruct(response.getInputs()),
        failures: response.getFailuresList().map((failure) => failure.toObject()),
      };
    },

    async diff(
      urn: string,
      values: { oldInputs: PropertyMap; olds: PropertyMap; news: PropertyMap },
    ) {
      const request = new proto.DiffRequest().setUrn(urn).setId("id");
      request.setOlds(toStruct(values.olds)).setOldInputs(toStruct(values.oldInputs));
      request.setNews(toStruct(values.news));
      const response = await call<proto.DiffResponse>((done) => client.diff(request, done));
      const detailedDiff: Record<string, number> = {};
      response.getDetaileddiffMap().forEach((diff, path) => {
        detailedDiff[path] = diff.getKind();
      });
      return {
        changes: response.getChanges(),
        replaces: response.getReplacesList(),
        diffs: response.getDiffsList(),
        deleteBeforeReplace: response.getDeletebeforereplace(),
        detailedDiff,
      };
    },

    async create(
      urn: string,
      news: PropertyMap,
      options: { preview?: boolean; timeoutSeconds?: number } = {},
    ) {
      const request = new proto.CreateRequest().setUrn(urn).setProperties(toStruct(news));
      request.setPreview(options.preview ?? false).setTimeout(options.timeoutSeconds ?? 0);
      const response = await call<proto.CreateResponse>((done) => client.create(request, done));
      return { id: response.getId(), outputs: fromStruct(response.getProperties()) };
    },

    async read(urn: string, state: State): Promise<State> {
      const request = new proto.ReadRequest().setUrn(urn).setId(state.id);
      request.setProperties(toStruct(state.outputs)).setInputs(toStruct(state.inputs));
      const response = await call<proto.ReadResponse>((done) => client.read(request, done));
      return {
        id: response.getId(),
        outputs: fromStruct(response.getProperties()),
        inputs: fromStruct(response.getInputs()),
      };
    },

    async update(
      urn: string,
      values: {
        id?: string;
        oldInputs?: PropertyMap;
        olds: PropertyMap;
        news: PropertyMap;
        preview?: boolean;
      },
    ) {
      const request = new proto.UpdateRequest().setUrn(urn).setId(values.id ?? "id");
      request.setOlds(toStruct(values.olds)).setOldInputs(toStruct(values.oldInputs ?? {}));
      request.setNews(toStruct(values.news)).setPreview(values.preview ?? false);
      const response = await call<proto.UpdateResponse>((done) => client.update(request, done));
      return { outputs: fromStruct(response.getProperties()) };
    },

    delete(urn: string, id: string, outputs: PropertyMap) {
      const request = new proto.DeleteRequest().setUrn(urn).setId(id);
      request.setProperties(toStruct(outputs));
      return call<Empty>((done) => client.delete(request, done));
    },

    /** State and reasons of a partial failure, as the engine unpacks them from the error. */
    initFailure(error: unknown) {
      const [bytes] = (error as ServiceError).metadata.get("grpc-status-details-bin");
      const [any] = Status.deserializeBinary(bytes as Buffer).getDetailsList();
      const failed = any?.unpack(
        (data) => proto.ErrorResourceInitFailed.deserializeBinary(data),
        "pulumirpc.ErrorResourceInitFailed",
      );
      if (!failed) throw new Error("the error carries no ErrorResourceInitFailed");
      return {
        id: failed.getId(),
        outputs: fromStruct(failed.getProperties()),
        reasons: failed.getReasonsList(),
      };
    },
  };
}
