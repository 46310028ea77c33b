namespace DistNet.Cli.Verbs;

/// <summary>How well one class is told from the others; NaN where nothing was to be measured.</summary>
/// <param name="Name">The class.</param>
/// <param name="Samples">How many samples belong to it.</param>
/// <param name="Precision">Of the samples predicted as it, the share that belong to it.</param>
/// <param name="Recall">Of the samples that belong to it, the share predicted as it.</param>
internal sealed record ClassScore(string Name, int Samples, double Precision, double Recall)
{
    /// <summary>The harmonic mean of precision and recall.</summary>
    public double F1 => Precision + Recall > 0 ? 2 * Precision * Recall / (Precision + Recall) : double.IsNaN(Precision) || double.IsNaN(Recall) ? double.NaN : 0;

    public static IEnumerable<ClassScore> Of(int[,] confusion, IReadOnlyList<string> classes)
    {
        int size = confusion.GetLength(0);
        for (int index = 0; index < size; index++)
        {
            int belong = Enumerable.Range(0, size).Sum(other => confusion[index, other]);
            int predicted = Enumerable.Range(0, size).Sum(other => confusion[other, index]);
            int correct = confusion[index, index];
            yield return new ClassScore(
                classes[index], belong, predicted > 0 ? correct / (double)predicted : double.NaN, belong > 0 ? correct / (double)belong : double.NaN);
        }
    }
}
