using System.Collections.Immutable;
using System.Text.Json;

namespace DistNet.Jobs;

/// <summary>A list of whole numbers (an immutable array of <see cref="int"/>) within bounds.</summary>
/// <param name="element">What each must be.</param>
public sealed class IntegerListType(IntegerType element) : JobValueType
{
    /// <summary>What each must be.</summary>
    public IntegerType Element { get; } = element;

    /// <inheritdoc/>
    public override string Expected => $"a list, each element {Element.Expected}";

    /// <inheritdoc/>
    public override bool TryRead(JobValue value, out object? result)
    {
        result = null;
        if (value is not JobList list)
        {
            return false;
        }

        var numbers = ImmutableArray.CreateBuilder<int>(list.Items.Length);
        foreach (JobValue item in list.Items)
        {
            if (!Element.TryRead(item, out object? number))
            {
                return false;
            }

            numbers.Add((int)(Int128)number!);
        }

        result = numbers.MoveToImmutable();
        return true;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object? value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartArray();
        foreach (int number in (ImmutableArray<int>)value!)
        {
            writer.WriteNumberValue(number);
        }

        writer.WriteEndArray();
    }
}
