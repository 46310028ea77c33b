using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace DistNet.Jobs;

/// <summary>A list of numbers within bounds (an immutable array).</summary>
/// <typeparam name="T">What each is kept as.</typeparam>
/// <param name="element">What each must be: a <see cref="NumberType"/> or an <see cref="IntegerType"/>.</param>
public sealed class ListType<T>(JobValueType element) : JobValueType
    where T : struct, INumber<T>
{
    /// <summary>What each must be.</summary>
    public JobValueType Element { get; } = element;

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

        var numbers = ImmutableArray.CreateBuilder<T>(list.Items.Length);
        foreach (JobValue item in list.Items)
        {
            if (!Element.TryRead(item, out object? read))
            {
                return false;
            }

            T number = read is double real ? T.CreateSaturating(real) : T.CreateChecked((Int128)read!);
            if (!T.IsFinite(number))
            {
                return false;
            }

            numbers.Add(number);
        }

        result = numbers.MoveToImmutable();
        return true;
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, object? value)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStartArray();
        foreach (T number in (ImmutableArray<T>)value!)
        {
            writer.WriteRawValue(number.ToString(null, CultureInfo.InvariantCulture));
        }

        writer.WriteEndArray();
    }
}
