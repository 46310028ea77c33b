using System.Collections.Immutable;
using DistNet.Checkpoints;
using DistNet.Optimizers;
using DistNet.Tensors;
using DistNet.Training;

namespace DistNet.Interchange;

/// <summary>Takes an optimizer's state from a file of tensors, under PyTorch's words: <c>fc1.weight.exp_avg</c>, and <c>step</c>, the number of updates.</summary>
internal static class OptimizerImport
{
    private const string Step = "step";

    // Far more than any run has; β^t is found by multiplying so often.
    private const long MaximumUpdates = 1_000_000_000;

    /// <summary>Writes the slots of all parameters that are trained and imported; the others stay as they are.</summary>
    /// <param name="file">The file.</param>
    /// <param name="path">What errors call it.</param>
    /// <param name="start">Says which parameters are not imported.</param>
    /// <param name="slots">Where to.</param>
    /// <returns>The number of updates.</returns>
    /// <exception cref="DistNetException">The file does not fit the optimizer and the model.</exception>
    public static long Read(SafetensorsReader file, string path, InitializeFromOptions start, ImmutableArray<OptimizerSlot> slots)
    {
        if (slots.IsEmpty)
        {
            throw DistNetException.BadInput("training.initializeFrom.optimizer is given, but SGD without momentum has no state; leave it out.");
        }

        bool IsTaken(ParameterEntry entry) => entry.IsTrained && !start.Skips(entry.Name);
        ImmutableArray<ParameterEntry> entries = slots[0].Values.Layout.Entries;
        List<string> missing = [];
        List<string> misshapen = [];
        HashSet<string> known = [Step, .. from slot in slots from entry in entries select NameOf(entry, slot)];
        foreach (OptimizerSlot slot in slots)
        {
            foreach (ParameterEntry entry in entries.Where(IsTaken))
            {
                if (!file.TryFind(NameOf(entry, slot), out StoredTensor? tensor))
                {
                    missing.Add(NameOf(entry, slot));
                }
                else if (tensor.Shape != entry.Shape)
                {
                    misshapen.Add($"{tensor.Name} is {tensor.Shape} there and {entry.Shape} in the model");
                }
            }
        }

        List<string> problems = [];
        if (ParameterImport.Names(file.TryFind(Step, out _) ? missing : [.. missing, Step]) is { } lacks)
        {
            problems.Add($"it lacks {lacks}");
        }

        if (ParameterImport.Names(file.Tensors.Select(tensor => tensor.Name).Where(name => !known.Contains(name) && !start.Skips(name[..Math.Max(0, name.LastIndexOf('.'))]))) is { } left)
        {
            problems.Add($"it has {left}, which the optimizer lacks");
        }

        problems.AddRange(misshapen.Take(1));
        if (problems.Count > 0)
        {
            throw DistNetException.BadInput($"The file '{path}' does not fit optimizer and model: {string.Join("; ", problems)}; expected the state of each parameter that is trained and imported.");
        }

        foreach (OptimizerSlot slot in slots)
        {
            foreach (ParameterEntry entry in entries.Where(IsTaken))
            {
                file.TryFind(NameOf(entry, slot), out StoredTensor? tensor);
                ParameterImport.ReadFinite(file, path, tensor!).CopyTo(slot.Values[entry]);
            }
        }

        file.TryFind(Step, out StoredTensor? step);
        return file.TryReadNumber(step!, out long updates) && updates is >= 0 and <= MaximumUpdates
            ? updates
            : throw DistNetException.BadInput($"The file '{path}' has a {Step} of type {step!.Type} {step.Shape}, or out of bounds; expected one whole number (I64) from 0 to {MaximumUpdates}.");
    }

    /// <summary>β^t by repeated multiplication, as t updates would have made it: in the end it stays at 0, or at a number so small that its product with β is rounded to itself.</summary>
    public static double Power(double beta, long updates)
    {
        double power = 1;
        for (long i = 0; i < updates && power * beta != power; i++)
        {
            power *= beta;
        }

        return power;
    }

    private static string NameOf(ParameterEntry entry, OptimizerSlot slot) => $"{entry.Name}.{ModelExport.SlotName(slot.Name)}";
}
