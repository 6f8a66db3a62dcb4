/** Gives what `make` makes with something that is open, which is closed again where that fails. */
export async function closedOnFailure<Made>(
  opened: { close(): Promise<void> } | undefined,
  make: () => Promise<Made>,
): Promise<Made> {
  try {
    return await make();
  } catch (error) {
    await opened?.close();
    throw error;
  }
}
