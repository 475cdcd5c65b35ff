import type { sendUnaryData, ServerUnaryCall, UntypedServiceImplementation } from "@grpc/grpc-js";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import * as plugin from "@pulumi/pulumi/proto/plugin_pb";
import * as proto from "@pulumi/pulumi/proto/provider_pb";
import { diffProperties, firstStep } from "./diff";
import type { DiffKind } from "./diff";
import type { EngineLog } from "./engine-log";
import { toServiceError } from "./errors";
import type { Lifecycle } from "./lifecycle";
import type * as api from "./provider";
import { fromStruct, toStruct } from "./struct";

const KINDS: Readonly<Record<DiffKind, proto.PropertyDiff.Kind>> = {
  add: proto.PropertyDiff.Kind.ADD,
  "add-replace": proto.PropertyDiff.Kind.ADD_REPLACE,
  delete: proto.PropertyDiff.Kind.DELETE,
  "delete-replace": proto.PropertyDiff.Kind.DELETE_REPLACE,
  update: proto.PropertyDiff.Kind.UPDATE,
  "update-replace": proto.PropertyDiff.Kind.UPDATE_REPLACE,
};

/** The engine's ResourceProvider service, answered by `provider`. */
export function resourceProviderService(
  provider: api.Provider,
  lifecycle: Lifecycle,
  log: EngineLog,
): UntypedServiceImplementation {
  const handlerOf = (type: string): api.ResourceHandler => {
    const handler = provider.resources[type];
    if (handler !== undefined) return handler;
    const known = Object.keys(provider.resources).join(", ");
    throw new Error(
      `${provider.name} ${provider.version} has no resource ${type}; it has ${known}`,
    );
  };

  /** A method that is refused once the plugin ends; its answer follows its log messages. */
  const work =
    <Req extends { getUrn(): string | undefined }, Res>(
      handle: (request: Req, context: api.CallContext) => api.Awaitable<Res>,
    ) =>
    (call: ServerUnaryCall<Req, Res>, respond: sendUnaryData<Res>): void => {
      const urnLog = log.forUrn(call.request.getUrn() ?? "");
      const answer = async (): Promise<void> => {
        try {
          lifecycle.signal.throwIfAborted();
          const response = await handle(call.request, { signal: lifecycle.signal, log: urnLog });
          await log.flush();
          respond(null, response);
        } catch (error) {
          if (error instanceof Error && error.stack !== undefined) urnLog.debug(error.stack);
          await log.flush();
          respond(toServiceError(error), null);
        }
      };
      void lifecycle.track(answer());
    };

  /** A method that is answered at once, whatever the plugin is doing. */
  const query =
    <Req, Res>(handle: (request: Req) => Res) =>
    (call: ServerUnaryCall<Req, Res>, respond: sendUnaryData<Res>): void => {
      try {
        respond(null, handle(call.request));
      } catch (error) {
        respond(toServiceError(error), null);
      }
    };

  return {
    handshake: query((request: proto.ProviderHandshakeRequest) => {
      log.connect(request.getEngineAddress());
      return new proto.ProviderHandshakeResponse().setAcceptSecrets(true);
    }),

    attach: query((request: plugin.PluginAttach) => {
      log.connect(request.getAddress());
      return new Empty();
    }),

    getPluginInfo: query(() => new plugin.PluginInfo().setVersion(provider.version)),

    getSchema: query(() =>
      new proto.GetSchemaResponse().setSchema(
        provider.getSchema?.() ??
          JSON.stringify({ name: provider.name, version: provider.version }),
      ),
    ),

    cancel: query(() => {
      provider.cancel?.();
      lifecycle.end("cancelled by the user");
      return new Empty();
    }),

    checkConfig: work(async (request: proto.CheckRequest, context) => {
      const check = checkRequest(request);
      return checkResponse((await provider.checkConfig?.(check, context)) ?? accept(check));
    }),

    diffConfig: work(async (request: proto.DiffRequest, context) => {
      const diff = diffRequest(request);
      const result = (await provider.diffConfig?.(diff, context)) ?? compareInputs(diff, []);
      return diffResponse(result);
    }),

    configure: work(async (request: proto.ConfigureRequest, context) => {
      await provider.configure?.(fromStruct(request.getArgs()), context);
      const response = new proto.ConfigureResponse();
      return response.setAcceptsecrets(true).setSupportspreview(true);
    }),

    check: work(async (request: proto.CheckRequest, context) => {
      const check = checkRequest(request);
      const handler = handlerOf(check.type);
      return checkResponse((await handler.check?.(check, context)) ?? accept(check));
    }),

    diff: work(async (request: proto.DiffRequest, context) => {
      const diff = diffRequest(request);
      const handler = handlerOf(diff.type);
      // What cannot be updated can only be replaced.
      const replaceOn =
        handler.update === undefined ? Object.keys({ ...diff.oldInputs, ...diff.news }) : [];
      return diffResponse((await handler.diff?.(diff, context)) ?? compareInputs(diff, replaceOn));
    }),

    create: work(async (request: proto.CreateRequest, context) => {
      const target = targetOf(request);
      const handler = handlerOf(target.type);
      if (!request.getPreview()) provider.beforeChange?.();
      const result = await handler.create(
        {
          ...target,
          news: fromStruct(request.getProperties()),
          preview: request.getPreview(),
          timeoutSeconds: request.getTimeout(),
        },
        context,
      );
      const response = new proto.CreateResponse().setId(result.id);
      return response.setProperties(toStruct(result.outputs));
    }),

    read: work(async (request: proto.ReadRequest, context) => {
      const read: api.ReadRequest = {
        ...targetOf(request),
        id: request.getId(),
        outputs: fromStruct(request.getProperties()),
        inputs: fromStruct(request.getInputs()),
      };
      const result = (await handlerOf(read.type).read?.(read, context)) ?? read;
      return new proto.ReadResponse()
        .setId(result.id)
        .setProperties(toStruct(result.outputs))
        .setInputs(toStruct(result.inputs));
    }),

    update: work(async (request: proto.UpdateRequest, context) => {
      const target = targetOf(request);
      const handler = handlerOf(target.type);
      if (handler.update === undefined) {
        throw new Error(`${target.type} cannot be updated, only replaced`);
      }
      if (!request.getPreview()) provider.beforeChange?.();
      const result = await handler.update(
        {
          ...target,
          id: request.getId(),
          olds: fromStruct(request.getOlds()),
          oldInputs: fromStruct(request.getOldInputs()),
          news: fromStruct(request.getNews()),
          preview: request.getPreview(),
          timeoutSeconds: request.getTimeout(),
          ignoreChanges: request.getIgnorechangesList(),
        },
        context,
      );
      return new proto.UpdateResponse().setProperties(toStruct(result.outputs));
    }),

    delete: work(async (request: proto.DeleteRequest, context) => {
      const target = targetOf(request);
      const handler = handlerOf(target.type);
      provider.beforeChange?.();
      await handler.delete?.(
        {
          ...target,
          id: request.getId(),
          outputs: fromStruct(request.getProperties()),
          oldInputs: fromStruct(request.getOldInputs()),
          timeoutSeconds: request.getTimeout(),
        },
        context,
      );
      return new Empty();
    }),
  };
}

/** Engines before 3.100 or so send the urn alone. */
function targetOf(request: { getUrn(): string; getName(): string; getType(): string }): api.Target {
  const urn = request.getUrn();
  const [, , qualifiedType = "", ...name] = urn.split("::");
  return {
    urn,
    name: request.getName() || name.join("::"),
    type: request.getType() || (qualifiedType.split("$").pop() ?? ""),
  };
}

function checkRequest(request: proto.CheckRequest): api.CheckRequest {
  return {
    ...targetOf(request),
    olds: fromStruct(request.getOlds()),
    news: fromStruct(request.getNews()),
  };
}

const accept = (request: api.CheckRequest): api.CheckResult => ({ inputs: request.news });

function checkResponse(result: api.CheckResult): proto.CheckResponse {
  const response = new proto.CheckResponse();
  response.setInputs(toStruct(result.inputs));
  for (const { property, reason } of result.failures ?? []) {
    response.addFailures(new proto.CheckFailure().setProperty(property).setReason(reason));
  }
  return response;
}

function diffRequest(request: proto.DiffRequest): api.DiffRequest {
  return {
    ...targetOf(request),
    id: request.getId(),
    olds: fromStruct(request.getOlds()),
    oldInputs: fromStruct(request.getOldInputs()),
    news: fromStruct(request.getNews()),
    ignoreChanges: request.getIgnorechangesList(),
  };
}

function compareInputs(request: api.DiffRequest, replaceOn: readonly string[]): api.DiffResult {
  const options = { replaceOn, inputDiff: true };
  return { detailedDiff: diffProperties(request.oldInputs, request.news, options) };
}

function diffResponse(result: api.DiffResult): proto.DiffResponse {
  const response = new proto.DiffResponse();
  const entries = Object.entries(result.detailedDiff);
  const changes = result.changes ?? entries.length > 0;
  response.setChanges(
    changes ? proto.DiffResponse.DiffChanges.DIFF_SOME : proto.DiffResponse.DiffChanges.DIFF_NONE,
  );
  response.setDeletebeforereplace(result.deleteBeforeReplace ?? false);
  response.setStablesList([...(result.stables ?? [])]);
  response.setHasdetaileddiff(true);
  for (const [path, { kind, inputDiff }] of entries) {
    const detail = new proto.PropertyDiff().setKind(KINDS[kind]).setInputdiff(inputDiff ?? false);
    response.getDetaileddiffMap().set(path, detail);
  }
  response.setDiffsList(topLevel(entries.map(([path]) => path)));
  response.setReplacesList(
    topLevel(entries.filter(([, { kind }]) => kind.endsWith("-replace")).map(([path]) => path)),
  );
  return response;
}

/** The names of the properties that the paths lead into. */
const topLevel = (paths: readonly string[]): string[] => [...new Set(paths.map(firstStep))];
