// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <utility>

#include "codec/fields.hpp"
#include "codec/json.hpp"
#include "codec/json_encoder.hpp"

namespace flocker::codec {
namespace {

/// Values of any described type, all of a seed. Small containers, the borders of numbers often.
class Dice {
public:
    explicit Dice(std::uint32_t seed) : engine_(seed) {}

    template <class T>
    void fill(T& out) requires std::is_class_v<T> {
        fields([this](const char*, auto& member, auto...) { this->fill(member); }, out);
    }
    void fill(bool& out) { out = below(2) == 1; }
    void fill(std::string& out) {
        static const std::vector<std::string> texts{"",
                                                    "web",
                                                    "a \"quoted\" \\ text",
                                                    "tab\tline\nend\r",
                                                    std::string("nul\0nul", 7),
                                                    "grün 木 \xF0\x9F\x90\x91",
                                                    "\x7F\x1B[31m",
                                                    "key.with[dots]",
                                                    "{",
                                                    "[",
                                                    "/"};
        out = texts[below(texts.size())] + texts[below(texts.size())];
    }
    void fill(model::SnapshotId& out) {
        fill(out.epoch);
        fill(out.sequence);
    }
    void fill(model::Place& out) {
        std::string name;
        fill(name);
        if (below(2) == 0) {
            out = model::NodeReference{name};
        } else {
            out = model::DatacenterName{name};
        }
    }
    void fill(Instant& out) { fill(out.unix_ns); }
    void fill(Bytes& out) { fill(out.value); }
    void fill(Duration& out) {
        std::int64_t count = 0;
        fill(count);
        out = Duration{count};
    }
    template <std::integral T>
    void fill(T& out) {
        const T least = std::same_as<T, std::uint16_t> ? T{1} : std::numeric_limits<T>::min();
        const T most = std::numeric_limits<T>::max();
        switch (below(4)) {
            case 0: out = least; return;
            case 1: out = most; return;
            case 2: out = static_cast<T>(1 + below(100)); return;
            default: out = std::max(least, static_cast<T>(engine_())); return;
        }
    }
    template <class E>
    requires std::is_enum_v<E>
    void fill(E& out) { out = static_cast<E>(below(all_names<E>().size())); }
    template <class Tag, class Raw>
    void fill(Strong<Tag, Raw>& out) {
        fill(out.value);
    }
    template <class T>
    void fill(std::optional<T>& out) {
        out.reset();
        if (below(3) != 0) fill(out.emplace());
    }
    template <class T>
    void fill(std::vector<T>& out) {
        out.resize(below(4));
        for (auto& item : out) fill(item);
    }
    template <class T>
    void fill(std::set<T>& out) {
        out.clear();
        for (auto left = below(4); left > 0; --left) {
            T item{};
            fill(item);
            out.insert(std::move(item));
        }
    }
    template <class K, class T>
    void fill(std::map<K, T>& out) {
        out.clear();
        for (auto left = below(4); left > 0; --left) {
            K key{};
            fill(key);
            fill(out[key]);
        }
    }

private:
    std::size_t below(std::size_t limit) { return static_cast<std::size_t>(engine_() % limit); }
    std::mt19937_64 engine_;
};

template <class T>
class JsonRoundTrip : public ::testing::Test {};

using Types =
    ::testing::Types<model::Application, model::Assignment, model::DatasetSeen, model::Deployment, model::Event,
                     model::MoveResult, model::Node, model::NodeReport, model::Ownership, model::Records, model::Wanted,
                     std::vector<model::Event>, std::vector<model::Node>, std::vector<model::Ownership>>;
TYPED_TEST_SUITE(JsonRoundTrip, Types);

TYPED_TEST(JsonRoundTrip, GivesBackEveryValue) {
    for (std::uint32_t seed = 0; seed < 200; ++seed) {
        TypeParam value{};
        Dice(seed).fill(value);
        const std::string text = encode(value);
        const auto back = decode<TypeParam>(text);
        ASSERT_TRUE(back.has_value()) << "seed " << seed << ": " << back.error() << "\n" << text;
        ASSERT_EQ(*back, value) << "seed " << seed << "\n" << text;
        ASSERT_EQ(text.find('\n'), std::string::npos) << "seed " << seed;
    }
}

TYPED_TEST(JsonRoundTrip, NeverCrashesOnADamagedText) {
    std::mt19937_64 engine(7);
    for (std::uint32_t seed = 0; seed < 100; ++seed) {
        TypeParam value{};
        Dice(seed).fill(value);
        std::string text = encode(value);
        for (int blow = 0; blow < 3; ++blow) text[engine() % text.size()] = "{}[]\",:0e-n\\\xFF"[engine() % 14];
        const auto back = decode<TypeParam>(text);
        if (!back) {
            EXPECT_EQ(back.error().code, ErrorCode::corrupt);
            EXPECT_FALSE(back.error().message.empty());
        }
    }
}

/// Converts to whatever a field is.
struct Anything {
    template <class T>
    operator T() const {  // NOLINT(google-explicit-constructor)
        std::abort();
    }
};

template <class T, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
    return requires {
        T{(static_cast<void>(I), Anything{})...};
    };
}

/// The number of fields of an aggregate: the most initializers that it takes.
template <class T, std::size_t N = 24>
constexpr std::size_t field_count() {
    if constexpr (takes<T>(std::make_index_sequence<N>{})) {
        return N;
    } else {
        return field_count<T, N - 1>();
    }
}

template <class T>
std::size_t described_count() {
    std::size_t count = 0;
    const T value{};
    fields([&](const char*, const auto&, auto...) { ++count; }, value);
    return count;
}

template <class T>
class JsonDescription : public ::testing::Test {};

using Structs =
    ::testing::Types<Error, model::Port, model::Link, model::Volume, model::RestartPolicy, model::Application,
                     model::Deployment, model::Node, model::Move, model::MoveResult, model::Ownership, model::Wanted,
                     model::Event, model::Records, model::DatasetAssignment, model::ApplicationAssignment, model::Route,
                     model::Assignment, model::SnapshotSeen, model::Seal, model::Trial, model::DatasetSeen,
                     model::ContainerSeen, model::RoundSeen, model::FeedSeen, model::StepSeen, model::Problem,
                     model::NodeReport, model::ReportReceipt, model::ClusterSettings, model::SetAsideSeen>;
TYPED_TEST_SUITE(JsonDescription, Structs);

TYPED_TEST(JsonDescription, LeavesNoFieldOut) {
    EXPECT_EQ(described_count<TypeParam>(), field_count<TypeParam>());
}

}  // namespace
}  // namespace flocker::codec
