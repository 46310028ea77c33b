namespace DistNet.Protocol.Security;

/// <summary>Passes each refusal on once: a peer that is turned away tries again and again.</summary>
/// <param name="tell">Told each sentence, with a stop at its end.</param>
public sealed class RefusalNotes(Action<string> tell)
{
    private const int Most = 100;
    private readonly HashSet<string> told = new(StringComparer.Ordinal);

    /// <summary>Takes a refusal; safe on any thread.</summary>
    /// <param name="clause">One sentence without a stop.</param>
    public void Add(string clause)
    {
        lock (told)
        {
            if (told.Count >= Most || !told.Add(clause))
            {
                return;
            }
        }

        tell($"{clause}.");
    }
}
