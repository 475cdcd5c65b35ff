/** Why a file of an archive cannot be had where it would not help to be online. */
export class Hindrance extends Error {
  override readonly name = "Hindrance";

  /**
   * @param message the cause with its value, without a full stop
   * @param remedy whole sentences
   */
  constructor(
    message: string,
    readonly remedy: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
