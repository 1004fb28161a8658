//! Objects: the values that are no strings, one variant for each type.
//!
//! An object owns everything in it and knows what it weighs, so that whoever holds an entry can
//! account for it, copy it and free it without knowing the type. A new type is a variant here, a
//! line in `each!` and in [`Object::type_name`], and a line of `collections!`.

use crate::value::hash::{self, Hash};
use crate::value::list::List;
use crate::value::set::Set;
use crate::value::stream::Stream;
use crate::value::zset::Zset;

/// Objects of more allocations than this are expensive to free: leave them to the background.
/// Redis's threshold.
const LAZY_FREE_ABOVE: usize = 64;

/// A value that is no string.
#[derive(Debug)]
pub enum Object {
    /// A list.
    List(List),
    /// A set.
    Set(Set),
    /// A hash.
    Hash(Hash),
    /// A stream.
    Stream(Stream),
    /// A sorted set.
    Zset(Zset),
}

/// Does the same with the value of an object, whatever its type.
macro_rules! each {
    ($object:expr, $value:ident => $do:expr) => {
        match $object {
            Object::List($value) => $do,
            Object::Set($value) => $do,
            Object::Hash($value) => $do,
            Object::Stream($value) => $do,
            Object::Zset($value) => $do,
        }
    };
}

/// A type of object: what typed access needs of it.
pub trait Collection: Default + Into<Object> {
    /// The value of this type in `object`, if it is of this type.
    fn of(object: &Object) -> Option<&Self>;

    /// As [`Collection::of`], to change it.
    fn of_mut(object: &mut Object) -> Option<&mut Self>;

    /// As [`Collection::of`], to have it; else the object comes back.
    fn from_object(object: Object) -> Result<Self, Object>;
}

macro_rules! collections {
    ($($type:ty = $variant:ident;)*) => {$(
        impl From<$type> for Object {
            fn from(value: $type) -> Object {
                Object::$variant(value)
            }
        }

        impl Collection for $type {
            #[inline]
            fn of(object: &Object) -> Option<&Self> {
                match object {
                    Object::$variant(value) => Some(value),
                    _ => None,
                }
            }

            #[inline]
            fn of_mut(object: &mut Object) -> Option<&mut Self> {
                match object {
                    Object::$variant(value) => Some(value),
                    _ => None,
                }
            }

            fn from_object(object: Object) -> Result<Self, Object> {
                match object {
                    Object::$variant(value) => Ok(value),
                    other => Err(other),
                }
            }
        }
    )*};
}

collections! {
    List = List;
    Set = Set;
    Hash = Hash;
    Stream = Stream;
    Zset = Zset;
}

impl Object {
    /// The name of its type, as TYPE answers.
    pub fn type_name(&self) -> &'static str {
        match self {
            Object::List(_) => "list",
            Object::Set(_) => "set",
            Object::Hash(_) => "hash",
            Object::Stream(_) => "stream",
            Object::Zset(_) => "zset",
        }
    }

    /// The name of its encoding, as OBJECT ENCODING answers.
    pub fn encoding(&self) -> &'static str {
        each!(self, value => value.encoding())
    }

    /// Bytes allocated for what is in it.
    #[inline]
    pub fn bytes(&self) -> usize {
        each!(self, value => value.bytes())
    }

    /// How many elements it has.
    #[allow(clippy::len_without_is_empty, reason = "a key is kept or goes by `is_spent`")]
    pub fn len(&self) -> usize {
        each!(self, value => value.len())
    }

    /// Whether its key goes with its last element.
    #[inline]
    pub fn is_spent(&self) -> bool {
        match self {
            Object::List(list) => list.is_empty(),
            Object::Set(set) => set.is_empty(),
            Object::Hash(hash) => hash.is_empty(),
            // An empty stream has its counters and groups.
            Object::Stream(_) => false,
            Object::Zset(zset) => zset.is_empty(),
        }
    }

    /// A copy of all that is in it.
    pub fn duplicate(&self) -> Object {
        each!(self, value => value.duplicate().into())
    }

    /// Everything in it, in an order that follows from the content alone: equal for equal objects,
    /// whatever their encodings. For comparing keyspaces.
    pub fn canonical(&self) -> Vec<u8> {
        let mut elements: Vec<Vec<u8>> = Vec::new();
        match self {
            Object::List(list) => elements.extend(list.iter().map(|item| item.to_vec())),
            Object::Set(set) => {
                elements.extend(set.iter().map(|member| member.to_vec()));
                elements.sort_unstable();
            }
            Object::Hash(hash) => {
                let text = |entry: hash::Entry<'_>| {
                    let expiry = entry.expiry.map(|at| at.to_string()).unwrap_or_default();
                    [&entry.field.to_vec()[..], b"\0=", &entry.value.to_vec(), expiry.as_bytes()]
                        .concat()
                };
                elements.extend(hash.iter(i64::MIN).map(text));
                elements.sort_unstable();
            }
            Object::Stream(stream) => stream.describe(&mut |part| elements.push(part.to_vec())),
            Object::Zset(zset) => {
                for (member, score) in zset.iter() {
                    elements.push(member.to_vec());
                    // One encoding keeps −0, the other makes it 0.
                    elements.push((score + 0.0).to_string().into_bytes());
                }
            }
        }
        let mut text = format!("{}:", self.type_name()).into_bytes();
        for element in elements {
            text.extend_from_slice(format!(" {}:", element.len()).as_bytes());
            text.extend_from_slice(&element);
        }
        text
    }

    /// When the first of a hash's fields expires, in milliseconds of Unix time.
    #[inline]
    pub fn next_field_expiry(&self) -> Option<i64> {
        match self {
            Object::Hash(hash) => hash.next_expiry(),
            _ => None,
        }
    }

    /// Whether freeing it takes so long that it should be left to the background.
    pub fn needs_lazy_free(&self) -> bool {
        each!(self, value => value.free_effort()) > LAZY_FREE_ABOVE
    }
}
